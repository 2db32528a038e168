"""Runs in a store: their records, their journals, who works on them and how long they stay.

Namespaces: `langgraph_fusion/runs` holds a record of every run, without texts;
`langgraph_fusion/journal/<run id>` its journal, the conversation and, if it is kept, the result;
`langgraph_fusion/conversations` what clients go on with (`conversations.py`);
`langgraph_fusion/files/<run id>` the files of both (`stored_files.py`).
"""

import asyncio
import json
import re
import uuid
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from langgraph.store.base import BaseStore, Item, PutOp
from pydantic import ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.chats import Chats
from langgraph_fusion.graph.journal.conversations import Conversations
from langgraph_fusion.graph.journal.detached_runs import DetachedRuns
from langgraph_fusion.graph.journal.entries import is_failure
from langgraph_fusion.graph.journal.jobs import Jobs
from langgraph_fusion.graph.journal.journal import Journal, as_text
from langgraph_fusion.graph.journal.run_record import Origin, RunRecord
from langgraph_fusion.graph.journal.stored_files import StoredFiles
from langgraph_fusion.graph.journal.stored_index import StoredIndex
from langgraph_fusion.graph.journal.stores.claim import CLAIM, Claim, silent_s
from langgraph_fusion.graph.journal.stores.claiming_store import claiming
from langgraph_fusion.graph.journal.stores.heartbeat import DEAD_AFTER_S, Heartbeat
from langgraph_fusion.graph.journal.stores.owner import Owner
from langgraph_fusion.graph.journal.stores.write_batcher import StoreWriter

DAYS = 7.0
"""How long a run that is not kept stays in the store."""
_ROOT = "langgraph_fusion"
_RECORDS = (_ROOT, "runs")
_ALL = 1_000_000
_TRIES = 10
"""To take a run over: its record may be written to between our look and our claim."""
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


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
        dead_after_s: float = DEAD_AFTER_S,
    ) -> None:
        """Open the runs.

        `keep` leaves the texts of finished runs in the store, until they are deleted; `questions`
        keeps the beginning of the question with the record of a run. A run of this process may be
        taken over when it has said nothing for `dead_after_s` seconds.
        """
        self.keep, self.origin, self.questions = keep, origin, questions
        self.writer = StoreWriter(store)
        self._store = store
        self._days = days
        self._claiming = claiming(store)
        self.heartbeat = Heartbeat(self._claiming, dead_after_s)
        self.files = StoredFiles(store)
        self.detached = DetachedRuns(store, self.writer, self.heartbeat, self._ttl())
        self.jobs = Jobs(store, self.writer, self.heartbeat, self._ttl())
        self.stored = StoredIndex(store)
        self.chats = Chats(store, self.writer, None if keep else self._ttl())
        self.conversations = Conversations(
            store, self.writer, None if keep else self._ttl(), self.files
        )

    @property
    def is_of_several_hosts(self) -> bool:
        """Whether other hosts may work on the same runs."""
        return type(self._store).__module__.startswith("langgraph.store.postgres")

    async def __aenter__(self) -> Self:
        sweep = getattr(self._store, "sweep_ttl", None)
        if sweep is not None:
            await sweep()
        await asyncio.to_thread(self.me)  # it reads files of the system once
        await self.heartbeat.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.heartbeat.__aexit__(kind, error, trace)
        await self.writer.close()

    async def check(self) -> None:
        """Ask the store for something, and raise what it raises if it does not answer."""
        await self._store.aget(_RECORDS, "-", refresh_ttl=False)

    async def all(self) -> list[RunRecord]:
        """Every run, the newest first; records that cannot be read are left out."""
        items = await self._store.asearch(_RECORDS, limit=_ALL, refresh_ttl=False)
        now = await self._claiming.now()
        records = [record for item in items if (record := _readable(item, now)) is not None]
        return sorted(records, key=lambda record: (record.started_at, record.id), reverse=True)

    async def get(self, run_id: str) -> RunRecord:
        """The run with this id, or with the only id that begins so.

        Raises:
            ConfigError: If there is none or more than one.
        """
        record = await self.find(run_id)
        if record is not None:
            return record
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
        return None if item is None else _record(item, await self._claiming.now())

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

    async def journal(self, record: RunRecord, claim: Claim | None = None) -> Journal:
        """What the run has done so far, to be read, or with a claim to be continued."""
        space = _journal_of(record.id)
        items = await self._store.asearch(space, limit=_ALL, refresh_ttl=False)
        found = _in_order((item.key, item.value) for item in items if item.namespace == space)
        status = await asyncio.to_thread(lambda: record.now)  # it reads files of the system
        if status == "failed":  # who failed is asked once more
            found = [(key, text) for key, text in found if not is_failure(json.loads(text))]
        return Journal(
            record.id,
            self.writer,
            space,
            found,
            ttl=self._ttl(),
            cut_off=status == "interrupted",
            finished=status == "finished",
            claim=claim,
            heartbeat=self.heartbeat,
        )

    def new_journal(self, run_id: str | None = None) -> Journal:
        """The empty journal of a new run, under an id of the caller's or a new one.

        Nothing is written to it before the run's record, which is saved with its claim.

        Raises:
            ConfigError: If the id is none that a run can have.
        """
        run_id = run_id or new_id()
        if not _RUN_ID.fullmatch(run_id):
            raise ConfigError(
                "the id of a run has 1 to 64 letters, digits, `-` and `_`", field="run_id"
            )
        return Journal(
            run_id,
            self.writer,
            _journal_of(run_id),
            ttl=self._ttl(),
            claim=Claim((_RECORDS, run_id), run_id, begins=True),
            heartbeat=self.heartbeat,
        )

    async def reopen(self, run_id: str, *, from_living: bool = False) -> tuple[RunRecord, Journal]:
        """Take over a run that has stopped, or one that waits for the client's tools.

        From then on the process before can write nothing more of it. With `from_living` it may
        still be at work, or count as alive.

        Raises:
            ConfigError: If there is no such run, it has finished, or a process works on it.
        """
        run_id = (await self.get(run_id)).id
        for _ in range(_TRIES):
            item = await self._item(run_id)
            if item is None:
                raise ConfigError(f"there is no run {run_id!r}; `fusion runs` lists them")
            record = _record(item, await self._claiming.now())
            record.check_unfinished()
            if not from_living:  # a thread, as it reads files of the system
                await asyncio.to_thread(record.check_not_at_work)
            mine = record.changed(status="running", owner=self.me(), resumes=record.resumes + 1)
            claim = Claim((_RECORDS, run_id), run_id, begins=False)
            put = _put_record(mine, self._ttl(), claim)
            if await self._claiming.take(put, item.value["text"]):
                return mine, await self._taken_journal(record, claim)
        raise ConfigError(f"run {run_id}: other processes take it over again and again")

    async def _taken_journal(self, record: RunRecord, claim: Claim) -> Journal:
        """The journal of a run that has just become ours; nobody else writes to it any more."""
        self.heartbeat.add(claim)
        journal = await self.journal(record, claim)
        if not journal.keys:
            await self.save(record, claim=claim)
            raise ConfigError(f"run {record.id}: its journal is gone; ask again")
        return journal

    def me(self) -> Owner:
        """Return this process, as the owner of runs."""
        return Owner.me(self.heartbeat.dead_after_s)

    def save(
        self, record: RunRecord, *puts: PutOp, claim: Claim | None = None
    ) -> "asyncio.Future[None]":
        """Begin to write a record, together with other puts; done once it is committed.

        With a claim nothing is written unless it is valid.
        """
        ttl = None if record.keep and record.status == "finished" else self._ttl()
        if claim is not None and record.status == "running":
            self.heartbeat.add(claim)
        elif claim is not None:
            self.heartbeat.remove(claim)
        return self.writer.soon(*puts, _put_record(record, ttl, claim), claim=claim)

    async def forget_texts(self, run_id: str) -> None:
        """Remove question and result of a finished run: they have been stored elsewhere.

        A run that was begun with `take_over` keeps them until then, at most for the usual days.

        Raises:
            ConfigError: If there is no such run, or it has not finished.
        """
        record = await self.get(run_id)
        if not record.has_result:
            raise ConfigError(f"run {record.id} has not finished: {record.now}")
        if not record.keep:
            await self.writer.write(*(await self.journal(record)).removal())

    async def delete(self, run_id: str) -> RunRecord:
        """Remove a run with everything that is stored of it.

        Raises:
            ConfigError: If there is no such run, or a process works on it.
        """
        record = await self.get(run_id)
        record.check_not_at_work()
        removal = (await self.journal(record)).removal()
        removal += await self.conversations.removal(record.id)
        removal += await self.chats.removal(record.id)
        removal += await self.detached.removal(record.id)
        removal += await self.files.removal(record.id)
        await self.writer.write(*removal, PutOp(_RECORDS, record.id, None))
        return record

    def _ttl(self) -> float | None:
        return self._days * 24 * 60 if getattr(self._store, "supports_ttl", False) else None

    async def _item(self, run_id: str) -> Item | None:
        return await self._store.aget(_RECORDS, run_id, refresh_ttl=False) if run_id else None


def new_id() -> str:
    """A run id: 48 random bits in hexadecimal."""
    return uuid.uuid4().hex[:12]


def _journal_of(run_id: str) -> tuple[str, ...]:
    return (_ROOT, "journal", run_id)


def _put_record(record: RunRecord, ttl: float | None, claim: Claim | None) -> PutOp:
    value = {"text": as_text(record.model_dump())} | ({CLAIM: claim.token} if claim else {})
    return PutOp(_RECORDS, record.id, value, False, ttl)


def _record(item: Item, now: float) -> RunRecord:
    try:
        found = json.loads(item.value["text"])
        return RunRecord.model_validate(found | {"silent_s": silent_s(item, now)})
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise ConfigError(f"run {item.key}: its record cannot be read") from error


def _readable(item: Item, now: float) -> RunRecord | None:
    try:
        return _record(item, now)
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
