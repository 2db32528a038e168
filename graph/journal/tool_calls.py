"""A member's tool calls, written down with what they showed it, and given back when they are."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from langchain.tools.tool_node import ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage

from langgraph_fusion.graph.calls.seat_bill import SeatBill
from langgraph_fusion.graph.journal.entries import (
    RecordedCall,
    RecordedTool,
    message_json,
    read_tool,
)
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.tools.context import SharedTools
from langgraph_fusion.tools.exclude import Dropped
from langgraph_fusion.tools.shown_lines import ShownLines
from langgraph_fusion.tools.sources import Source

TOOL = "/tool/"

Work = Callable[[], Awaitable[ToolMessage]]


@dataclass
class ToolRecorder:
    """The tool calls of one member in one round."""

    journal: Journal
    lane: str
    seat: str
    shared: SharedTools
    bill: SeatBill
    shown: ShownLines = field(default_factory=ShownLines)
    _drops: int = field(init=False)
    _replayed_drops: int = 0

    def __post_init__(self) -> None:
        self._drops = len(self.shared.drops)

    def replay(self, request: ToolCallRequest) -> ToolMessage | None:
        """The recorded answer, if any; its sources are known since the run was opened."""
        if not self.journal.keys:
            return None
        recorded = self.journal.read(self._key(request), RecordedTool)
        if recorded is None:
            return None
        self.shared.drops += recorded.dropped[self._replayed_drops :]
        self._replayed_drops = max(self._replayed_drops, len(recorded.dropped))
        for paid in recorded.searches:
            self.bill.restore(paid.call, paid.counted_usd, carried=self.journal.finished)
        message = read_tool(recorded.message, request.tool_call["id"] or "")
        self.shown.restore(recorded.shown, str(message.text))
        return message

    async def run(self, request: ToolCallRequest, work: Work) -> ToolMessage:
        """Do the work and write it down.

        Raises:
            RunTakenOver: If another process has the run.
        """
        if not self.journal.on:
            return await work()
        await self.journal.check_claim()
        self.journal.end_replay(self.lane)
        before = self._sources()
        answer = await work()
        searches = tuple(self._paid())
        await self.journal.write(
            self._key(request),
            lambda: RecordedTool(
                message=message_json(answer),
                sources=tuple(
                    source
                    for source in self._sources().values()
                    if source is not before.get(source.id)
                ),
                dropped=tuple(self._mine()),
                searches=searches,
                shown=self.shown.by_call(request.tool_call["id"] or ""),
            ),
        )
        return answer

    def _paid(self) -> list[RecordedCall]:
        """What was paid since, once: tool calls of a turn run side by side."""
        paid, self.bill.unrecorded = self.bill.unrecorded, []
        return [RecordedCall(call=call, counted_usd=counted) for call, counted in paid]

    def _sources(self) -> dict[str, Source]:
        found = self.shared.sources.all()
        return {source.id: source for source in found if source.seat == self.seat}

    def _mine(self) -> list[Dropped]:
        return [drop for drop in self.shared.drops[self._drops :] if drop.seat == self.seat]

    def _key(self, request: ToolCallRequest) -> str:
        """Turn and place of the call: the id is the provider's, and not always one of its own."""
        replies = [one for one in request.state["messages"] if isinstance(one, AIMessage)]
        call = request.tool_call
        same = [
            (one["id"], one["name"], one["args"]) == (call["id"], call["name"], call["args"])
            for one in replies[-1].tool_calls
        ]
        place = same.index(True)
        return f"{self.lane}{TOOL}{len(replies)}.{place}/{call['name']}"
