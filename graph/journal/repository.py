"""Runs in a store: their records, their journals, who works on them and how long they stay.

Namespaces: `langgraph_fusion/runs` holds a record of every run, without texts;
`langgraph_fusion/journal/<run id>` its journal, the conversation and, if it is kept, the result;
`langgraph_fusion/conversations` what clients go on with (`conversations.py`).
"""

import asyncio
import json
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from langgraph.store.base import BaseStore, Item, PutOp
from pydantic import ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.compare_and_set import compare_and_set
from langgraph_fusion.graph.journal.conversations import Conversations
from langgraph_fusion.graph.journal.detached_runs import DetachedRuns
from langgraph_fusion.graph.journal.entries import is_failure
from langgraph_fusion.graph.journal.journal import Journal, as_text
from langgraph_fusion.graph.journal.owner import BEAT_S, Owner
from langgraph_fusion.graph.journal.run_record import TOOL_CALLS, Origin, RunRecord
from langgraph_fusion.graph.journal.write_batcher import StoreWriter

DAYS = 7.0
"""How long a run that is not kept stays in the store."""
_ROOT = "langgraph_fusion"
_RECORDS = (_ROOT, "runs")
_ALL = 1_000_000


class RunRepository:
    """The runs of one store. For one event loop; any number of processes may share the store."""

    def __init__(
        self,
        store: BaseStore,
        *,
        keep: bool = False,
        days: float = DAYS,
        origin: Origin | None = None,
        questions: bool = False,
    ) -> None:
        """Open the runs.

        `keep` leaves the texts of finished runs in the store, until they are deleted; `questions`
        keeps the beginning of the question with the record of a run.
        """
        self.keep, self.origin, self.questions = keep, origin, questions
        self.writer = StoreWriter(store)
        self._store = store
        self._days = days
        self._open: dict[str, RunRecord] = {}
        self._beat: asyncio.Task[None] | None = None
        self.detached = DetachedRuns(store, self.writer, self._ttl())
        self.conversations = Conversations(store, self.writer, None if keep else self._ttl())

    async def __aenter__(self) -> Self:
        sweep = getattr(self._store, "sweep_ttl", None)
        if sweep is not None:
            await sweep()
        self._beat = asyncio.create_task(self._say_we_live())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._beat is not None:
            self._beat.cancel()
            with suppress(asyncio.CancelledError):
                await self._beat
        await self.writer.close()

    async def check(self) -> None:
        """Ask the store for something, and raise what it raises if it does not answer."""
        await self._store.aget(_RECORDS, "-", refresh_ttl=False)

    async def all(self) -> list[RunRecord]:
        """Every run, the newest first; records that cannot be read are left out."""
        items = await self._store.asearch(_RECORDS, limit=_ALL, refresh_ttl=False)
        records = [record for item in items if (record := _readable(item)) is not None]
        return sorted(records, key=lambda record: (record.started_at, record.id), reverse=True)

    async def get(self, run_id: str) -> RunRecord:
        """The run with this id, or with the only id that begins so.

        Raises:
            ConfigError: If there is none or more than one.
        """
        item = await self._item(run_id)
        if item is not None:
            return _record(item)
        found = [one for one in await self.all() if run_id and one.id.startswith(run_id)]
        if len(found) == 1:
            return found[0]
        many = (
            f"{len(found)} runs begin with {run_id!r}" if found else f"there is no run {run_id!r}"
        )
        raise ConfigError(f"{many}; `fusion runs` lists them")

    async def find(self, run_id: str) -> RunRecord | None:
        """The run with exactly this id; None if there is none. Reads one record, not all."""
        item = await self._item(run_id)
        return None if item is None else _record(item)

    async def latest(self, *, resumable: bool = False) -> RunRecord:
        """The newest run, or the newest that can be resumed and that no server's client asked.

        Raises:
            ConfigError: If there is none.
        """
        for record in await self.all():
            if not resumable or (record.resumable and not record.of_a_server):
                return record
        raise ConfigError(
            "there is no run to resume; `fusion runs` lists them" if resumable else "no run is kept"
        )

    async def journal(self, record: RunRecord) -> Journal:
        """What the run has done so far, to be read or continued."""
        space = _journal_of(record.id)
        items = await self._store.asearch(space, limit=_ALL, refresh_ttl=False)
        found = _in_order((item.key, item.value) for item in items if item.namespace == space)
        if record.now == "failed":  # who failed is asked once more
            found = [(key, text) for key, text in found if not is_failure(json.loads(text))]
        return Journal(
            record.id,
            self.writer,
            space,
            found,
            ttl=self._ttl(),
            cut_off=record.now == "interrupted",
            finished=record.now == "finished",
        )

    def new_journal(self, run_id: str | None = None) -> Journal:
        """The empty journal of a new run, under an id of the caller's or a new one."""
        run_id = run_id or new_id()
        return Journal(run_id, self.writer, _journal_of(run_id), ttl=self._ttl())

    async def reopen(self, run_id: str) -> tuple[RunRecord, Journal]:
        """Take over a run that has stopped, or one that waits for the client's tools.

        Raises:
            ConfigError: If there is no such run, it has finished, or a process works on it.
        """
        item = await self._item((await self.get(run_id)).id)
        if item is None:
            raise ConfigError(f"there is no run {run_id!r}; `fusion runs` lists them")
        record = _record(item)
        check_may_reopen(record)
        journal = await self.journal(record)
        if not journal.keys:
            raise ConfigError(f"run {record.id}: its journal is gone; ask again")
        mine = record.changed(
            status="running", owner=Owner.me(), seen_at=time.time(), resumes=record.resumes + 1
        )
        await self._claim(mine, item.value["text"])
        return mine, journal

    def save(self, record: RunRecord, *puts: PutOp) -> "asyncio.Future[None]":
        """Begin to write a record, together with other puts; done once it is committed."""
        ttl = None if record.keep and record.status == "finished" else self._ttl()
        if record.status == "running":
            self._open[record.id] = record
        else:
            self._open.pop(record.id, None)
        return self.writer.soon(*puts, _put_record(record, ttl))

    async def delete(self, run_id: str) -> RunRecord:
        """Remove a run with everything that is stored of it.

        Raises:
            ConfigError: If there is no such run, or a process works on it.
        """
        record = await self.get(run_id)
        if record.now == "running":
            raise ConfigError(_at_work(record))
        removal = (await self.journal(record)).removal()
        removal += await self.conversations.removal(record.id)
        removal += await self.detached.removal(record.id)
        await self.writer.write(*removal, PutOp(_RECORDS, record.id, None))
        return record

    def _ttl(self) -> float | None:
        return self._days * 24 * 60 if getattr(self._store, "supports_ttl", False) else None

    async def _item(self, run_id: str) -> Item | None:
        return await self._store.aget(_RECORDS, run_id, refresh_ttl=False) if run_id else None

    async def _claim(self, mine: RunRecord, before: str) -> None:
        """Write that the run is ours, unless its record is not what it was when we looked."""
        if mine.id in self._open:
            raise ConfigError(_at_work(mine))
        self._open[mine.id] = mine
        try:
            won = await compare_and_set(self._store, _put_record(mine, self._ttl()), before)
        except BaseException:
            self._open.pop(mine.id, None)
            raise
        if not won:
            self._open.pop(mine.id, None)
            raise ConfigError(f"run {mine.id}: another process has just taken it over")

    async def _say_we_live(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            now = time.time()
            for record in list(self._open.values()):
                self.save(record.changed(seen_at=now))


def new_id() -> str:
    """A run id: 48 random bits in hexadecimal."""
    return uuid.uuid4().hex[:12]


def _journal_of(run_id: str) -> tuple[str, ...]:
    return (_ROOT, "journal", run_id)


def _put_record(record: RunRecord, ttl: float | None) -> PutOp:
    return PutOp(_RECORDS, record.id, {"text": as_text(record.model_dump())}, False, ttl)


def _record(item: Item) -> RunRecord:
    try:
        return RunRecord.model_validate(json.loads(item.value["text"]))
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise ConfigError(f"run {item.key}: its record cannot be read") from error


def _readable(item: Item) -> RunRecord | None:
    try:
        return _record(item)
    except ConfigError:
        return None


def _in_order(entries: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Entries that look like ours, in the order in which they were written."""
    ours = [
        (value["n"], key, value["text"])
        for key, value in entries
        if isinstance(value.get("n"), int) and isinstance(value.get("text"), str)
    ]
    return [(key, text) for _, key, text in sorted(ours)]


def check_may_reopen(record: RunRecord) -> None:
    """Raise ConfigError for a run that has finished or is at work."""
    if record.now == "running":
        raise ConfigError(_at_work(record))
    if record.status == "finished" and record.reason != TOOL_CALLS:
        raise ConfigError(
            f"run {record.id} has finished; `fusion runs show {record.id}` says what came of it"
        )


def _at_work(record: RunRecord) -> str:
    return f"run {record.id} is still running; wait for it, or stop it first"
