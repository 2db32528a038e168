"""When each model call of a run was made and how long it took, as a picture (SVG) of bars."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.records import Call
from langgraph_fusion.graph.wording import duration

WIDTH, ROW, LEFT = 960, 26, 96
"""Pixels: the whole picture, one row, and the names before the bars."""
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)
_MOST_TICKS = 8
_NARROWEST = 2.0


@dataclass(frozen=True)
class Bar:
    """One call; `x`, `y` and `width` in pixels."""

    x: float
    y: float
    width: float
    kind: str
    """The stage, or `failed`."""
    label: str


@dataclass(frozen=True)
class Timeline:
    """A row for each seat, a bar for each call."""

    names: tuple[tuple[str, float], ...]
    """Of the rows, with their place from above."""
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    height: float
    width: int = WIDTH
    left: int = LEFT


def timeline_of(calls: Sequence[Call]) -> Timeline | None:
    """Return the picture; None where no call says when it began, as in older results."""
    timed = [call for call in calls if call.began_s is not None and not call.carried]
    if not timed:
        return None
    end = max(_end(call) for call in timed) or 1.0
    scale = (WIDTH - LEFT - 8) / end
    seats = list(dict.fromkeys(call.seat for call in timed))
    order = sorted(seats, key=lambda seat: (len(seat) > 1, seat == "synthesizer", seat))
    rows = {seat: 6.0 + ROW * row for row, seat in enumerate(order)}
    return Timeline(
        names=tuple((_name(seat), y) for seat, y in rows.items()),
        bars=tuple(_bar(call, rows[call.seat], scale) for call in timed),
        ticks=tuple(_ticks(end, scale)),
        height=ROW * len(rows) + 30,
    )


def _bar(call: Call, y: float, scale: float) -> Bar:
    began = call.began_s or 0.0
    failed = f", failed: {reason_text(call.error)}" if call.error else ""
    label = f"{_name(call.seat)}, {call.model}: {duration(call.seconds)} from {duration(began)}"
    return Bar(
        x=round(LEFT + began * scale, 1),
        y=y,
        width=round(max(_NARROWEST, call.seconds * scale), 1),
        kind="failed" if call.error else call.stage,
        label=label + failed,
    )


def _ticks(end: float, scale: float) -> Iterator[tuple[float, str]]:
    step = next((one for one in _STEPS if end / one <= _MOST_TICKS), _STEPS[-1])
    at = 0.0
    while at <= end:
        yield round(LEFT + at * scale, 1), duration(at) if at else "0"
        at += step


def _end(call: Call) -> float:
    return (call.began_s or 0.0) + call.seconds


_NAMES = {
    "judge": "judge", "synthesizer": "writer", "verifier": "verifier", "describer": "describer",
}  # fmt: skip


def _name(seat: str) -> str:
    return _NAMES.get(seat, f"seat {seat}")
