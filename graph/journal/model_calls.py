"""A seat's model calls, written down as they are answered, and given back when they are."""

from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from langgraph_fusion.graph.calls.retry import Mend, cannot_mend
from langgraph_fusion.graph.calls.seat_bill import Prompt
from langgraph_fusion.graph.calls.seat_client import LiveSeatClient, Remembers, SeatFailed, Send
from langgraph_fusion.graph.journal.entries import (
    RecordedCall,
    RecordedReply,
    message_json,
    read_ai,
)
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.journal_bill import FAILED, REPLY, calls_in
from langgraph_fusion.graph.records import Call, Switch
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef


class RecordedSeatClient:
    """A `SeatClient` around another: replies of an earlier process are not paid for again.

    They come from the journal. Their calls are on the bill as they were, `carried` if an earlier
    turn of the conversation paid them, and they count towards the spend cap. A call that was under
    way when that process was stopped is on the bill as well: what it cost is unknown.
    """

    def __init__(
        self,
        client: LiveSeatClient,
        journal: Journal,
        *,
        work: str,
        carried: bool,
        earlier: Sequence[str] = (),
    ) -> None:
        """`work` names the lane; `earlier` are lanes of earlier turns: paid, not gone through."""
        self.bill = client.bill
        self.images = client.images
        self.bill.on_call = self._record_failed
        client.before_call = journal.check_claim
        self.remembers: Remembers | None = None
        self.replayed = False
        self._client = client
        self._journal = journal
        self._work = work
        self._lane = ""
        self._carried = carried
        self._earlier = earlier
        self._replies = 0

    @property
    def model(self) -> ModelRef:
        return self._client.model

    @property
    def has_another(self) -> bool:
        return self._client.has_another

    @property
    def switches(self) -> list[Switch]:
        return self._client.switches

    def ref_of(self, model: BaseChatModel) -> ModelRef:
        return self._client.ref_of(model)

    def begins(self, model: BaseChatModel) -> bool:
        return self._client.begins(model)

    def give_up(self, fault: Fault) -> bool:
        return self._client.give_up(fault)

    async def reply(
        self,
        prompt: Prompt,
        send: Send,
        along: Iterable[Any] = (),
        mend: Mend = cannot_mend,
        *,
        grows: bool = False,
    ) -> AIMessage:
        if not self._lane:
            self._open_lane()
        self._replies += 1
        recorded = self._journal.read(self._key, RecordedReply)
        self.replayed = recorded is not None
        if recorded is not None:
            return self._replay(recorded)
        since = _Since(self._client)
        self._restore_failed(prompt, along)
        try:
            message = await self._client.reply(prompt, send, along, mend, grows=grows)
        except SeatFailed as failed:
            await self._write(since, None, failed.fault)
            raise
        await self._write(since, message, None)
        return message

    @property
    def _key(self) -> str:
        return f"{self._lane}{REPLY}{self._replies}"

    def _open_lane(self) -> None:
        self._lane = self._journal.open_lane(self._work)
        for lane in self._earlier:
            for call in calls_in(self._journal, lane):
                self.bill.restore(call, call.cost_usd or 0.0, carried=True)

    async def _write(self, since: "_Since", message: AIMessage | None, fault: Fault | None) -> None:
        def entry() -> RecordedReply:
            return RecordedReply(
                message=message_json(message) if message else None,
                fault=fault,
                calls=tuple(self.bill.calls[since.calls :]),
                switches=tuple(self.switches[since.switches :]),
                models=tuple(map(str, self._client.models)),
                counted_usd=self.bill.counted_usd - since.counted_usd,
                remembered=self.remembers.remembered() if self.remembers else None,
                images=self.images.view,
            )

        await self._journal.write(self._key, entry)

    def _record_failed(self, call: Call, counted_usd: float) -> None:
        if call.error:
            key = f"{self._key}{FAILED}{len(self.bill.calls)}"
            self._journal.write_async(key, lambda: RecordedCall(call=call, counted_usd=counted_usd))

    def _replay(self, recorded: RecordedReply) -> AIMessage:
        self._client.restore(map(ModelRef.parse, recorded.models), recorded.switches)
        for call in recorded.calls:
            self.bill.restore(call, carried=self._carried)
        self.bill.count(recorded.counted_usd)
        if self.remembers and recorded.remembered:
            self.remembers.remember(recorded.remembered)
        if recorded.images is not None:
            self.images.resumed(recorded.images, self.model)
        if recorded.message is None:
            raise SeatFailed(recorded.fault or Fault("unexpected_error"), str(self.model))
        return read_ai(recorded.message)

    def _restore_failed(self, prompt: Prompt, along: Iterable[Any]) -> None:
        """Put on the bill what an earlier process spent on a reply that it did not get."""
        cancelled = False
        for failed in self._journal.read_each(f"{self._key}{FAILED}", RecordedCall):
            self.bill.restore(failed.call, failed.counted_usd, carried=self._carried)
            cancelled = failed.call.error == "cancelled"
        if self._journal.end_replay(self._lane) and not cancelled:
            self.bill.restore_lost(self.model, prompt, along)


class _Since:
    """How far a seat's bill and switches had come before a reply."""

    def __init__(self, client: LiveSeatClient) -> None:
        self.calls = len(client.bill.calls)
        self.switches = len(client.switches)
        self.counted_usd = client.bill.counted_usd
