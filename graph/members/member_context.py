"""What a member has in one round: its models, tools and limits, and what it has learned."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from langchain_core.messages import ToolMessage
from pydantic import BaseModel, ConfigDict

from langgraph_fusion.graph.calls.deadline import Schedule
from langgraph_fusion.graph.calls.seat_client import SeatClient
from langgraph_fusion.graph.journal.tool_calls import ToolRecorder
from langgraph_fusion.graph.members.repeats import Repeats
from langgraph_fusion.graph.records import ToolUse
from langgraph_fusion.graph.state import Json
from langgraph_fusion.models.providers import ModelRef
from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.mcp.offered import OfferedTool
from langgraph_fusion.tools.mcp.servers import ToolServers
from langgraph_fusion.tools.search.base import Purse

NOT_RUN = "not_run"
"""Marks the answer to a call that was refused before its tool did anything."""
_ERROR_CHARS = 300
_ABOUT = 1.5
"""Turns, each as long as the longest so far, for which time must be left, or its end is told."""


class Sending(BaseModel):
    """What a member's models were found not to take; kept for its later turns."""

    model_config = ConfigDict(extra="ignore")

    room: int | None = None
    """Characters that all tool results together may have."""
    shortened: int = 0
    """Tool results that are sent shortened."""
    without_tools: set[ModelRef] = set()
    """Models that take no tools at all."""
    in_plain_words: set[ModelRef] = set()
    """Models that are sent no tool calls, in the transcript either."""
    with_tools: set[ModelRef] = set()
    """Models that refuse a transcript with tool calls when no tools are offered."""
    without_choice: set[ModelRef] = set()
    """Models that refuse `tool_choice: "none"`."""
    hurried: set[int] = set()
    """After how many tool results it was told that its time is running out."""


@dataclass(kw_only=True)
class MemberContext(ToolContext):
    """A member in one round: the context of its tools, its models and its budget."""

    round: int
    tools: ToolRecorder
    client: SeatClient
    system: str
    allowed: frozenset[str]
    """Names of the tools it may call."""
    max_tool_calls: int
    schedule: Schedule
    files_text: Callable[[], str] | None = None
    """Gives the text of the run's files to a model that turns out to take no tools; None if the
    prompt has it already."""
    served: Mapping[str, OfferedTool] = field(default_factory=dict)
    """Tools of servers that it is offered, by name."""
    servers: ToolServers | None = None
    tool_calls: int = 0
    tool_errors: int = 0
    searches: int = 0
    tool_uses: dict[str, ToolUse] = field(default_factory=dict)
    """By name of the tool; calls that were refused before the tool did anything do not count."""
    loops: bool = False
    """It went on calling tools in its tool-free turn."""
    cut_short: str | None = None
    """Why it had to write before it had finished its research."""
    repeats: Repeats = field(default_factory=Repeats)
    turn_began: float | None = None
    """`time.monotonic()` when its present turn began."""
    longest_turn_s: float = 0.0
    sending: Sending = field(default_factory=Sending)

    def __post_init__(self) -> None:
        self.client.remembers = self

    def remembered(self) -> Json:
        """What it learned on the way: written down, so that a resumed member sends the same."""
        return {"sending": self.sending.model_dump(mode="json"), "cut_short": self.cut_short}

    def remember(self, known: Json) -> None:
        """Take what was written down with a reply."""
        self.sending = Sending.model_validate(known["sending"])
        self.cut_short = known["cut_short"]

    @property
    def purse(self) -> Purse:
        """Searches that are charged stand on the seat's bill, within the spend cap."""
        return self.client.bill.search

    def count(self, tool: str, answer: ToolMessage) -> None:
        """Count a tool call that was answered."""
        ok = answer.status != "error"
        self.tool_errors += not ok
        self.searches += ok and tool == "web_search"
        if answer.additional_kwargs.get(NOT_RUN):
            return
        old = self.tool_uses.get(tool, ToolUse(tool=tool, calls=0))
        self.tool_uses[tool] = ToolUse(
            tool=tool,
            calls=old.calls + 1,
            failed=old.failed + (not ok),
            error=old.error if ok else " ".join(answer.text.split())[:_ERROR_CHARS],
        )

    def begin_turn(self, results: int) -> None:
        """Begin a turn after so many tool results; note when the time left is about one turn."""
        if self.sending.room is not None:
            self.shown.forget()  # results are shortened: what was shown may be cut in any turn
        now, began = time.monotonic(), self.turn_began
        self.turn_began = now
        if began is None:
            return
        self.longest_turn_s = max(self.longest_turn_s, now - began)
        if 0 < self.schedule.left_s <= _ABOUT * self.longest_turn_s:
            self.sending.hurried.add(results)

    @property
    def must_write(self) -> bool:
        if self.cut_short is None and self.allowed:
            self.cut_short = self._why_write()
        return self.cut_short is not None

    def wrap_up(self, why: str) -> None:
        """Have it write from what it has; the first reason counts."""
        self.cut_short = self.cut_short or why

    def _why_write(self) -> str | None:
        if self.tool_calls >= self.max_tool_calls:
            return "tool_budget"
        if self.repeats.stuck:
            return "tool_loop"
        return self.schedule.why if self.schedule.over else None
