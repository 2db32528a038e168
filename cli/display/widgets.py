"""The parts of the screen: the table of seats, what the judge found, Markdown, the source list.

Text from outside only travels as `Text` or through `Sanitized`, so neither markup nor escape
sequences in it reach the terminal.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from langgraph_fusion.cli.display.model import RunView, SeatStatus, SeatView
from langgraph_fusion.graph.wording import duration, money, tokens
from langgraph_fusion.models.text import clean_text, one_line
from langgraph_fusion.web.findings import Finding, findings, source_numbers

WIDE = 90
"""Columns from which the model's full name and both token figures fit."""

_STYLES: dict[SeatStatus, str] = {
    "waiting": "dim",
    "working": "",
    "tool": "cyan",
    "retrying": "yellow",
    "answered": "green",
    "done": "green",
    "partial": "yellow",
    "failed": "red",
    "not seated": "dim",
}
_KIND_STYLES = {"agree": "green", "conflict": "red", "gap": "yellow", "suspect": "magenta"}
_NAMES = {"judge": "judge", "synthesizer": "writer"}

_WEB_ADDRESS = re.compile(r"https?://[!-~]+")


class Sanitized:
    """A renderable of untrusted text without control characters, also those made by entities."""

    def __init__(self, inner: RenderableType) -> None:
        self.inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.inner, options):
            yield segment if segment.control else _sanitized(segment)


def markdown(text: str) -> Sanitized:
    """The text as rendered Markdown; link addresses travel as terminal hyperlinks."""
    return Sanitized(Markdown(clean_text(text), hyperlinks=True))


def seat_table(view: RunView, now: float, width: int) -> Table:
    """One row per seat: who, what it does, calls, tokens, cost, time."""
    wide = width >= WIDE
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True, pad_edge=False, header_style="dim")
    table.add_column("", style="bold", no_wrap=True)
    table.add_column("model", no_wrap=True, overflow="ellipsis", max_width=32 if wide else 13)
    table.add_column("", ratio=1, no_wrap=True, overflow="ellipsis", min_width=10)
    table.add_column("tools", justify="right", no_wrap=True)
    for title in ("in", "out") if wide else ("in/out",):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for seat in view.seats.values():
        table.add_row(*_cells(seat, now, wide))
    return table


def findings_table(view: RunView) -> Table | Text:
    """What the judge found and what it asked, wrapped under its kind."""
    if view.analysis is None:
        return Text(f"The answers were not compared: {one_line(view.judge_error)}", style="yellow")
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    numbers = source_numbers(view.result["sources"]) if view.result else {}
    for finding in findings(view.analysis, view.follow_ups, numbers):
        grid.add_row(_kind(finding), Text(clean_text(finding.text)))
    return grid


def source_list(cited: Iterable[Mapping[str, Any]]) -> Table:
    """The numbered sources of an answer: title, and below it the address in full, if it has one.

    Several members may have seen one source; it is listed once.
    """
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    once = {int(one["number"]): one for one in cited if one.get("same_as") is None}
    for _, one in sorted(once.items()):
        text = Text(one_line(one["title"]) or "untitled")
        if address := one_line(one["url"]).removeprefix("docs:"):
            text.append(f"\n{address}", "dim")
        grid.add_row(Text(f"[{one['number']}]", "bold"), text)
    return grid


def _cells(seat: SeatView, now: float, wide: bool) -> Iterator[Text]:
    model = one_line(seat.model)
    yield Text(_NAMES.get(seat.name, seat.name))
    yield Text(model if wide else model.rpartition("/")[2].rpartition(":")[2])
    yield Text(_status_text(seat), style=_STYLES[seat.status])
    yield Text(str(seat.tool_calls) if seat.name not in _NAMES else "")
    used = [tokens(one) if seat.calls else "" for one in (seat.input_tokens, seat.output_tokens)]
    yield from map(Text, used if wide else ["/".join(used).strip("/")])
    yield Text(_cost(seat))
    yield Text(duration(seat.seconds(now)) if seat.spent_s or seat.since is not None else "")


def _status_text(seat: SeatView) -> str:
    if seat.status == "tool":
        *more, last = seat.tools.values()
        return one_line(last) + (f" (+{len(more)})" if more else "")
    if seat.status == "working":
        return one_line(seat.note) or "thinking"
    note = one_line(seat.note)
    return f"{seat.status}: {note}" if note and seat.status != "answered" else seat.status


def _cost(seat: SeatView) -> str:
    if not seat.calls or seat.model.startswith("offline:"):
        return ""
    if seat.cost_known:
        return money(seat.known_cost)
    return f"{money(seat.known_cost)}+?" if seat.known_cost else "?"


def _kind(finding: Finding) -> Text:
    style = _KIND_STYLES.get(finding.kind, "cyan" if finding.kind == "asked" else "dim")
    return Text(finding.kind, style=f"bold {style}" if finding.open else style)


def _sanitized(segment: Segment) -> Segment:
    """Only links to the web stay links: a terminal cannot open a document's path."""
    style = segment.style
    if style and style.link and not _WEB_ADDRESS.fullmatch(style.link):
        style = style.update_link(None)
    return Segment(clean_text(segment.text), style)
