"""The state of a run as the terminal shows it.

A `RunView` is immutable, so a screen may draw it from another thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Event = Mapping[str, Any]
"""One event of `graph.events`."""

SeatStatus = Literal[
    "waiting", "working", "tool", "retrying", "answered", "partial", "failed", "done", "not seated"
]


@dataclass(frozen=True)
class SeatView:
    """One seat: a member, the judge or the writer."""

    name: str
    """A letter, `judge` or `synthesizer`."""
    model: str
    status: SeatStatus = "waiting"
    note: str = ""
    """What it works on, or why it stopped."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Tool calls that run right now: call id -> tool and its input."""
    tool_calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    calls: int = 0
    """Model calls that are over."""
    known_cost: float = 0.0
    cost_known: bool = True
    spent_s: float = 0.0
    """Of the rounds that are over."""
    since: float | None = None
    """When the running round began."""

    def seconds(self, now: float) -> float:
        return self.spent_s + (max(0.0, now - self.since) if self.since is not None else 0.0)


@dataclass(frozen=True)
class RunView:
    """The whole run. Times are seconds of a monotonic clock."""

    run_id: str = ""
    kept: bool = False
    """Whether the run can be resumed should it stop."""
    preset: str = ""
    seats: Mapping[str, SeatView] = field(default_factory=dict)
    round: int = 0
    analysis: Mapping[str, Any] | None = None
    judge_error: str = ""
    """Why there is no analysis."""
    follow_ups: tuple[Mapping[str, Any], ...] = ()
    answers: tuple[Mapping[str, Any], ...] = ()
    """`records.MemberAnswer` of every finished member, every round."""
    calls: tuple[Mapping[str, Any], ...] = ()
    """`records.Call` of every model call so far."""
    draft: str = ""
    """What the writer has written so far."""
    writing: bool = False
    result: Mapping[str, Any] | None = None
    """`result.FusionResult`, at the end."""

    def with_seat(self, name: str, **changes: Any) -> "RunView":
        """Return the view with some fields of one seat replaced; an unknown seat is added."""
        seat = self.seats.get(name) or SeatView(name, str(changes.get("model", "")))
        return replace(self, seats={**self.seats, name: replace(seat, **changes)})
