"""A seat's caller that writes every reply down, and gives back what is written down already."""

from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.graph.calls.retry import Mend, unmended
from langgraph_fusion.graph.calls.seat_client import SeatClient, SeatFailed, Send
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.journal.entries import (
    RecordedCall,
    RecordedReply,
    message_json,
    read_ai,
)
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.journal_bill import FAILED, REPLY, calls_in
from langgraph_fusion.graph.records import Call
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef


class RecordedSeatClient(SeatClient):
    """Replies of an earlier process come from the journal and are not paid again.

    Its calls are on the bill as they were, `carried` if an earlier turn of the conversation paid
    them, and they count towards the spend cap. A call that was under way when that process was
    stopped is on the bill as well: what it cost is unknown.
    """

    def __init__(
        self,
        *args: Any,
        journal: Journal,
        work: str,
        carried: bool,
        earlier: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        """`earlier` are lanes of earlier turns: paid, and not gone through again."""
        super().__init__(*args, **kwargs)
        self._journal = journal
        self._work = work
        self._lane = ""
        self._carried = carried
        self._earlier = earlier
        self._replies = 0

    async def reply(
        self,
        prompt: Sequence[BaseMessage],
        send: Send,
        along: Iterable[Any] = (),
        mend: Mend = unmended,
        *,
        grows: bool = False,
    ) -> AIMessage:
        if not self._lane:
            self._begin()
        self._replies += 1
        key = f"{self._lane}{REPLY}{self._replies}"
        recorded = self._journal.recorded(key, RecordedReply)
        self.replayed = recorded is not None
        if recorded is not None:
            return self._replay(recorded)
        since = len(self.calls), len(self.switches), self.counted_usd
        self._take_over(key, prompt, along)
        try:
            message = await super().reply(prompt, send, along, mend, grows=grows)
        except SeatFailed as failed:
            fault = failed.fault
            await self._journal.record(key, lambda: self._recorded(since, None, fault))
            raise
        await self._journal.record(key, lambda: self._recorded(since, message, None))
        return message

    def _recorded(
        self, since: tuple[int, int, float], message: AIMessage | None, fault: Fault | None
    ) -> RecordedReply:
        calls, switches, counted_usd = since
        return RecordedReply(
            message=message_json(message) if message else None,
            fault=fault,
            calls=tuple(self.calls[calls:]),
            switches=tuple(self.switches[switches:]),
            models=tuple(map(str, self._refs)),
            counted_usd=self.counted_usd - counted_usd,
            remembered=self.remembers.remembered() if self.remembers else None,
        )

    def _begin(self) -> None:
        self._lane = self._journal.open_lane(self._work)
        for lane in self._earlier:
            for call in calls_in(self._journal, lane):
                self._restore(call, carried=True)
                self._count(call.cost_usd or 0.0)

    def _replay(self, recorded: RecordedReply) -> AIMessage:
        for switch in recorded.switches:
            tell(
                "model.switch",
                seat=self._name,
                model=switch.model,
                reason=switch.reason,
                next=recorded.models[0],
            )
        self.switches += recorded.switches
        self._refs = [ModelRef.parse(name) for name in recorded.models]
        for call in recorded.calls:
            self._restore(call, carried=self._carried)
        self._count(recorded.counted_usd)
        if self.remembers and recorded.remembered:
            self.remembers.remember(recorded.remembered)
        if recorded.message is None:
            raise SeatFailed(recorded.fault or Fault("unexpected_error"), str(self.model))
        return read_ai(recorded.message)

    def _take_over(self, key: str, prompt: Sequence[BaseMessage], along: Iterable[Any]) -> None:
        """Put on the bill what an earlier process spent on a reply that it did not get."""
        cancelled = False
        for failed in self._journal.each(f"{key}{FAILED}", RecordedCall):
            self._restore(failed.call, carried=self._carried)
            self._count(failed.counted_usd)
            cancelled = failed.call.error == "cancelled"
        if self._journal.goes_live(self._lane) and not cancelled:
            lost = Call(
                stage=self._stage,
                seat=self._name,
                round=self._round,
                model=str(self.model),
                error="interrupted",
            )
            self._restore(lost, carried=False)
            self._count(self._worst_usd(prompt, along))

    def _restore(self, call: Call, *, carried: bool) -> None:
        self.calls.append(call.model_copy(update={"carried": carried}))
        tell("model.call", **self.calls[-1].model_dump(), replayed=True)

    def _count(self, counted_usd: float) -> None:
        self._limits.budget.spent_usd += counted_usd
        self.counted_usd += counted_usd

    def _worst_usd(self, prompt: Sequence[BaseMessage], along: Iterable[Any]) -> float:
        if not self._limits.capped or self._limits.budget.unknown == "ignore":
            return 0.0
        planned = self._planned(self.model, prompt, along)
        return planned.usd(planned.max_tokens)

    def _bill(self, *args: Any, **kwargs: Any) -> None:
        before = self._limits.budget.spent_usd
        super()._bill(*args, **kwargs)
        counted, call = self._limits.budget.spent_usd - before, self.calls[-1]
        self.counted_usd += counted
        if call.error:
            key = f"{self._lane}{REPLY}{self._replies}{FAILED}{len(self.calls)}"
            self._journal.begin(key, lambda: RecordedCall(call=call, counted_usd=counted))
