"""Maintain a run's record: when it began, how it ended, and what is kept of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.journal.conversation_record import (
    conversation_keys,
    must_go_on,
    read_conversation,
    write_conversation,
)
from langgraph_fusion.graph.journal.entries import RecordedUpdate
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.journal_bill import calls_in
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.run_record import TOOL_CALLS, RunRecord, beginning_of, by_seat
from langgraph_fusion.graph.records import Call, Failure, Totals
from langgraph_fusion.graph.request.attachments import Attachments
from langgraph_fusion.graph.request.conversation import question_at
from langgraph_fusion.graph.settings import FusionSettings

RESULT = "result"
"""Key beside the journal's own."""
WAITS_MINUTES = 24 * 60.0
"""How long a run with tools of the client can be continued, and asked for the same turn again."""


class RunLifecycle:
    """The record of one run that is under way."""

    def __init__(
        self,
        runs: RunRepository,
        journal: Journal,
        record: RunRecord | None,
        client: str | None = None,
        keep: bool | None = None,
        hold_result: bool = False,
    ) -> None:
        """Without a `record` the run is new, and the `client`'s.

        With `hold_result` question and result stay until `RunRepository.forget_texts`.
        """
        self._keep = runs.keep if keep is None else keep
        self._runs = runs
        self._journal = journal
        self._record = record
        self._client = client
        self._earlier_s = record.seconds if record else 0.0
        self._hold_result = hold_result
        self._result: dict[str, Any] | None = None

    @property
    def resumes(self) -> int:
        """How often the run was taken up again."""
        return self._record.resumes if self._record else 0

    @property
    def started_at(self) -> str | None:
        """When the run first started; None if it does so now."""
        return self._record.started_at if self._record else None

    async def begin(
        self,
        messages: Sequence[AnyMessage],
        settings: FusionSettings,
        attachments: Attachments,
        of_paths: Mapping[str, bytes],
        further_tools: frozenset[str],
        started_at: str,
    ) -> None:
        """Record that the run has begun, and with what; `of_paths` are files of this machine.

        Raises:
            ConfigError: If the run was begun with another conversation.
            RunTakenOver: If another process has begun a run under this id.
        """
        if settings.client_tools and self._journal.ttl is not None:
            self._journal.ttl = min(self._journal.ttl, WAITS_MINUTES)
        recorded = read_conversation(self._journal)
        if recorded is not None:
            must_go_on(self._journal.run_id, recorded, messages)
        if self._record is None:
            self._record = RunRecord(
                id=self._journal.run_id,
                preset=settings.preset,
                settings=settings.model_dump(mode="json"),
                further_tools=tuple(sorted(further_tools)),
                files=tuple(str(path.resolve()) for path in attachments.files),
                out=str(attachments.out.resolve()) if attachments.out else None,
                question=self._question(messages),
                origin=self._runs.origin,
                keep=self._keep,
                client=self._client,
                started_at=started_at,
                owner=self._runs.me(),
            )
            self._runs.save(self._record, claim=self._journal.claim)
        if recorded is None or len(recorded) < len(messages):
            files = self._runs.files
            await write_conversation(self._journal, messages, files, of_paths)

    def _question(self, messages: Sequence[AnyMessage]) -> str:
        at = question_at(messages) if self._runs.questions else None
        return "" if at is None else beginning_of(messages[at].text)

    def finished(self, result: dict[str, Any]) -> None:
        """Take the result, a `FusionResult` as JSON."""
        self._result = result

    @asynccontextmanager
    async def watching(self, began: float) -> AsyncIterator[None]:
        """Record how the block ends; `began` is the `time.monotonic()` of its start.

        Raises:
            RunTakenOver: If another process has the run: then its record says how it ended.
        """
        try:
            yield
        except BaseException as error:
            await self._ended(time.monotonic() - began, error)
            raise
        await self._ended(time.monotonic() - began, None)
        if self._journal.claim is not None:
            self._journal.claim.check()

    async def _ended(self, seconds: float, error: BaseException | None) -> None:
        """A store that fails here cannot hurt the run any more."""
        if self._record is None:
            return
        with suppress(Exception):
            await asyncio.shield(self._close(self._record, self._earlier_s + seconds, error))
        self._result = None  # it is written, and may be large

    async def _close(self, record: RunRecord, seconds: float, error: BaseException | None) -> None:
        ended = record.changed(owner=None, seconds=round(seconds, 3))
        if error is None and self._result is not None:
            await self._finish(ended, self._result)
            return
        failed = isinstance(error, Exception) and not isinstance(error, asyncio.CancelledError)
        await self._runs.writer.write()
        if self._journal.claim is not None:
            self._journal.claim.check()
        calls = calls_in(await self._runs.journal(record))
        await self._runs.save(
            ended.changed(
                status="failed" if failed else "interrupted",
                reason=getattr(error, "reason", type(error).__name__) if failed else None,
                bill=by_seat(calls),
                total=Totals.of(calls),
            ),
            claim=self._journal.claim,
        )

    async def _finish(self, ended: RunRecord, result: dict[str, Any]) -> None:
        """Without texts, unless the user keeps them or the client's tools are yet to answer."""
        waits = bool(result["tool_calls"]) or ended.reason == TOOL_CALLS
        done = ended.changed(
            status="finished",
            reason=TOOL_CALLS if waits else None,
            bill=by_seat(Call(**call) for call in result["bill"]["calls"]),
            total=result["bill"]["total"],
            failed_members=tuple(Failure(**one) for one in result["failed_members"]),
            degraded=result["degraded"],
        )
        stays = ended.keep or self._hold_result
        puts = (
            []
            if waits
            else self._journal.removal(*(conversation_keys(self._journal) if stays else ()))
        )
        files = await self._runs.files.removal(ended.id)
        if stays:
            stored = RecordedUpdate(update=result)
            puts.append(self._journal.put(RESULT, stored, permanent=ended.keep))
        elif not waits and not self._runs.files.is_claimed(ended.id):
            puts += files
        await self._runs.save(done, *puts, claim=self._journal.claim)
