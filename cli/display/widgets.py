"""What the screen is made of: the table of seats, what the judge found, pages, source lists.

Text from outside only travels as `Text` or through `Safe`, so neither markup nor escape sequences
in it reach the terminal.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Markdown
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from langgraph_fusion.cli.display.findings import Finding, findings
from langgraph_fusion.cli.display.format import duration, money, tokens
from langgraph_fusion.cli.display.model import Board, Doing, Row
from langgraph_fusion.models.text import clean_text, one_line

WIDE = 90
"""Columns from which the model's full name and both token figures fit."""

_STYLES: dict[Doing, str] = {
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
_SEATS = {"judge": "judge", "synthesizer": "writer"}

_WEB_ADDRESS = re.compile(r"https?://[!-~]+")


class Safe:
    """A renderable of untrusted text without control characters, also those made by entities."""

    def __init__(self, inner: RenderableType) -> None:
        self.inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.inner, options):
            yield segment if segment.control else _safe(segment)


def markdown(text: str) -> Safe:
    """The text as rendered Markdown; link addresses travel as terminal hyperlinks."""
    return Safe(Markdown(clean_text(text), hyperlinks=True))


def seats(board: Board, now: float, width: int) -> Table:
    """One row per seat: who, what it does, calls, tokens, cost, time."""
    wide = width >= WIDE
    table = Table(box=None, padding=(0, 1, 0, 0), expand=True, pad_edge=False, header_style="dim")
    table.add_column("", style="bold", no_wrap=True)
    table.add_column("model", no_wrap=True, overflow="ellipsis", max_width=32 if wide else 13)
    table.add_column("", ratio=1, no_wrap=True, overflow="ellipsis", min_width=10)
    table.add_column("calls", justify="right", no_wrap=True)
    for title in ("in", "out") if wide else ("in/out",):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("cost", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for row in board.rows.values():
        table.add_row(*_cells(row, now, wide))
    return table


def found(board: Board) -> Table | Text:
    """What the judge found and what it asked, wrapped under its kind."""
    if board.analysis is None:
        return Text(f"The judge gave no analysis: {one_line(board.judge_failed)}", style="yellow")
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings(board.analysis, board.follow_ups):
        grid.add_row(_kind(finding), Text(clean_text(finding.text)))
    return grid


def sources(cited: Iterable[Mapping[str, Any]]) -> Table:
    """The numbered sources of an answer: title, and below it the address in full.

    Several members may have seen one source; it is listed once.
    """
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    once = {int(one["number"]): one for one in cited if one.get("same_as") is None}
    for _, one in sorted(once.items()):
        text = Text(one_line(one["title"]) or "untitled")
        text.append(f"\n{one_line(one['url']).removeprefix('docs:')}", "dim")
        grid.add_row(Text(f"[{one['number']}]", "bold"), text)
    return grid


def _cells(row: Row, now: float, wide: bool) -> Iterator[Text]:
    model = one_line(row.model)
    yield Text(_SEATS.get(row.seat, row.seat))
    yield Text(model if wide else model.rpartition("/")[2].rpartition(":")[2])
    yield Text(_doing(row), style=_STYLES[row.doing])
    yield Text(str(row.tool_calls) if row.seat not in _SEATS else "")
    used = [tokens(one) if row.calls else "" for one in (row.input_tokens, row.output_tokens)]
    yield from map(Text, used if wide else ["/".join(used).strip("/")])
    yield Text(_cost(row))
    yield Text(duration(row.seconds(now)) if row.spent_s or row.since is not None else "")


def _doing(row: Row) -> str:
    if row.doing == "tool":
        *more, last = row.tools.values()
        return one_line(last) + (f" (+{len(more)})" if more else "")
    if row.doing == "working":
        return one_line(row.note) or "thinking"
    note = one_line(row.note)
    return f"{row.doing}: {note}" if note and row.doing != "answered" else row.doing


def _cost(row: Row) -> str:
    if not row.calls or row.model.startswith("offline:"):
        return ""
    if row.cost_known:
        return money(row.known_cost)
    return f"{money(row.known_cost)}+?" if row.known_cost else "?"


def _kind(finding: Finding) -> Text:
    style = _KIND_STYLES.get(finding.kind, "cyan" if finding.kind == "asked" else "dim")
    return Text(finding.kind, style=f"bold {style}" if finding.open else style)


def _safe(segment: Segment) -> Segment:
    """Only links to the web stay links: a path of a document leads nowhere in a terminal."""
    style = segment.style
    if style and style.link and not _WEB_ADDRESS.fullmatch(style.link):
        style = style.update_link(None)
    return Segment(clean_text(segment.text), style)
