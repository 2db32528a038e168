"""What was found out about an evaluation, on the terminal: losses, comparisons, audits."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from langgraph_fusion.cli.display.eval_result import differences, print_summary, text_table, wide
from langgraph_fusion.cli.output import say

if TYPE_CHECKING:
    from langgraph_fusion.evals.contamination.audit import ArmAudit
    from langgraph_fusion.evals.losses.records import ArmLosses, Loss
    from langgraph_fusion.evals.report.analysis import Analysed
    from langgraph_fusion.evals.report.comparison import ResultComparison

_EXAMPLES = 3
"""Losses that are shown of each stage."""
_EXAMPLE_CHARS = 160


def print_analysed(found: "Analysed") -> None:
    """The summary, then what was lost at which stage."""
    print_summary(found.summary)
    if found.losses:
        _print_losses(found.losses)


def print_comparison(found: "ResultComparison") -> None:
    """Two results, arm by arm."""
    from langgraph_fusion.evals.calibration import describe

    out = wide()
    out.print(f"A: {found.first}", style="dim")
    out.print(f"B: {found.second}\n", style="dim")
    out.print(differences(found.differences))
    for one in found.calibrations:
        out.print(f"judge of A {describe(one)}")
    for name, arms in (("A", found.only_first), ("B", found.only_second)):
        if arms:
            out.print(f"only in {name}: {', '.join(arms)}")
    for warning in found.warnings:
        say(f"note: {warning}")


def print_audit(audits: Iterable["ArmAudit"]) -> None:
    """What each arm kept from its members, and what looks as if it had got through."""
    from langgraph_fusion.evals.report import words

    table = text_table("arm", "tasks", "kept away", "marked", "score", "without marked", "n")
    for one in audits:
        table.add_row(
            one.arm,
            str(one.tasks),
            str(one.dropped),
            str(len(one.marked)),
            words.estimate(one.score),
            words.estimate(one.score_without_marked),
            str(one.score_without_marked.n),
        )
    out = wide()
    out.print(table)
    for one in audits:
        for rule, times in one.marks.items():
            out.print(f"{one.arm}: {rule}: {times}")
        if one.marked:
            out.print(f"{one.arm}: look at {', '.join(one.marked)}")


def _print_losses(found: Iterable["ArmLosses"]) -> None:
    from langgraph_fusion.evals.losses.records import STAGES
    from langgraph_fusion.evals.report import words

    out = wide()
    out.print("\nCriteria that a member met and the final answer did not, by stage", style="bold")
    table = text_table("arm", *STAGES, "lost", "points", "gained", "points")
    for arm in found:
        stages = arm.stages.values()
        table.add_row(
            arm.arm,
            *(f"{one.losses} ({one.in_analysis})" for one in stages),
            str(len(arm.losses)),
            words.number(sum(one.points for one in stages)),
            str(arm.gained),
            words.number(arm.gained_points),
        )
    out.print(table)
    out.print("In brackets: how many of them the judge's analysis held.", style="dim")
    for arm in found:
        for stage in STAGES:
            worst = sorted(arm.losses, key=lambda one: -one.points)
            shown = [one for one in worst if one.stage == stage and one.passage][:_EXAMPLES]
            if shown:
                out.print(f"\n{arm.arm}, {STAGES[stage]}:")
            for loss in shown:
                out.print(_example(loss))


def _example(loss: "Loss") -> str:
    from langgraph_fusion.models.text import one_line

    passage = one_line(loss.passage or "")
    cut = passage if len(passage) <= _EXAMPLE_CHARS else f"{passage[:_EXAMPLE_CHARS]}…"
    return f"  {loss.points:.1f} points, task {loss.task}, {loss.passage_of}: {cut}"
