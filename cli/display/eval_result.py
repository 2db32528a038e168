"""An evaluation on the terminal: what it would cost, and what came of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from langgraph_fusion.cli.output import say, terminal

if TYPE_CHECKING:
    from langgraph_fusion.evals.estimate import Cost, EvalEstimate
    from langgraph_fusion.evals.records import ArmResult, StoredResult


def print_estimate(found: "EvalEstimate") -> None:
    """On standard error: standard output is the result's."""
    for line in estimate_lines(found):
        say(line)


def estimate_lines(found: "EvalEstimate") -> Iterator[str]:
    yield (
        f"{found.tasks} tasks, {found.arms} arms: {found.member_runs} member runs, "
        f"{found.verdicts} verdicts."
    )
    yield (
        f"Estimate: {_dollars(found.total)} in all; members {_dollars(found.members)}, "
        f"judges and writers {_dollars(found.panels)}, grading {_dollars(found.judging)}. "
        "What is stored already is not paid again."
    )


def _dollars(cost: "Cost") -> str:
    if cost.likely is None or cost.high is None:
        return "unknown (a model has no listed price)"
    if cost.likely == cost.high:
        return f"${cost.likely:,.2f}"
    return f"${cost.likely:,.2f} (at most about ${cost.high:,.2f})"


def print_result(result: "StoredResult") -> None:
    """A row an arm, on standard output."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("arm")
    for name in ("mean", "n", "with zeros", "coverage", "refused", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    for arm in result.arms:
        table.add_row(arm.name, *_cells(arm))
    terminal().print(table)
    for note in result.notes:
        say(f"note: {note}")


def _cells(arm: "ArmResult") -> Iterator[str]:
    scored = arm.scores
    yield _mean(scored)
    yield str(len(scored))
    yield _mean(arm.scores_with_zeros)
    yield f"{100 * arm.coverage:.1f} %"
    yield str(arm.refused)
    yield str(arm.failed)


def _mean(scores: "dict[str, float]") -> str:
    return f"{sum(scores.values()) / len(scores):.2f}" if scores else "-"
