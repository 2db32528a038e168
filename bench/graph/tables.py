"""The tables of a measurement: for the terminal, and as Markdown for the documentation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from bench.graph.targets import targets

Row = dict[str, Any]
Column = tuple[str, Callable[[Row], str]]


@dataclass(frozen=True)
class Table:
    """A title, and lines of equal length of which the first is the head."""

    title: str
    lines: list[list[str]]

    def show(self, console: Console) -> None:
        """Draw it on the terminal."""
        head, *rest = self.lines
        drawn = RichTable(title=self.title, title_justify="left")
        for name in head:
            drawn.add_column(name, no_wrap=name in ("arm", "plan", "target"))
        for line in rest:
            drawn.add_row(*line)
        console.print(drawn)

    def markdown(self) -> str:
        """Write it as GitHub does."""
        head, *rest = self.lines
        lines = [head, ["---"] * len(head), *rest]
        return f"**{self.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(found: dict[str, list[Row]]) -> Iterator[Table]:
    """Yield what was measured, the targets last."""
    for name, title in (("plain", "Plain: 3 members, judge, writer"), ("agentic", "Agentic")):
        if rows := found.get(name):
            yield _table(title, _LOADS, rows)
    if rows := found.get("streams"):
        yield _table("Streamed, one run at a time", _STREAMS, rows)
    if rows := found.get("late"):
        yield _table("Late calls (on paper: if only the calls took time)", _LATE, rows)
    if rows := found.get("memory"):
        yield _table("Memory", _MEMORY, rows)
    yield _verdicts(found)


def _table(title: str, columns: list[Column], rows: list[Row]) -> Table:
    lines = [[head for head, _ in columns]]
    return Table(title, lines + [[cell(row) for _, cell in columns] for row in rows])


def _verdicts(found: dict[str, list[Row]]) -> Table:
    lines = [["target", "wanted", "measured", ""]]
    for one in targets(found):
        sign = "≥" if one.at_least else "≤"
        verdict = "met" if one.met else "**not met**"
        said = f"{verdict}; {one.note}" if one.note else verdict
        lines.append([one.name, f"{sign} {one.bound:g}", f"{one.figure:.3f}", said])
    return Table("Targets", lines)


def _number(key: str, digits: int, times: float = 1) -> Callable[[Row], str]:
    return lambda row: f"{times * row[key]:.{digits}f}"


_LOADS: list[Column] = [
    ("at once", lambda row: str(row["at"])),
    ("arm", lambda row: row["arm"]),
    ("run, s", _number("run_s", 3)),
    ("over critical path", _number("over_critical", 3)),
    ("runs/s", _number("runs_per_s", 1)),
    ("CPU ms a run", _number("cpu_ms", 1)),
    ("of client and model server", _number("others_cpu_ms", 1)),
    ("loop lag p99, ms", _number("lag_ms", 0)),
    ("memory, MiB", _number("rss_mib", 0)),
    ("tokens a run", _number("tokens", 0)),
    ("model server busy", lambda row: f"{row['server_busy']:.0%}"),
]
_STREAMS: list[Column] = [
    ("arm", lambda row: row["arm"]),
    ("first event, ms", _number("first_s", 1, 1000)),
    ("worst", _number("worst_first_s", 1, 1000)),
    ("writer's first token, ms", _number("token_s", 1, 1000)),
    ("worst", _number("worst_token_s", 1, 1000)),
]
_LATE: list[Column] = [
    ("late", lambda row: row["late"]),
    ("plan", lambda row: row["plan"]),
    ("runs", lambda row: str(len(row["runs_s"]))),
    ("p50, s", _number("p50_s", 2)),
    ("p95, s", _number("p95_s", 2)),
    ("p95 on paper", lambda row: f"{row['on_paper']['p95_s']:.2f}"),
    ("heard all three", lambda row: f"{row['all_heard']:.0%}"),
    ("on paper", lambda row: f"{row['on_paper']['all_heard']:.0%}"),
]
_MEMORY: list[Column] = [
    ("arm", lambda row: row["arm"]),
    ("MiB a waiting run", _number("mib_per_waiting_run", 3)),
    ("runs", lambda row: str(row["runs"])),
    ("MiB left by as many more", _number("left_mib", 1)),
    ("process, MiB", _number("rss_mib", 0)),
]
