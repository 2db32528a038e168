"""An evaluation on the terminal: what it would cost, and what came of it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from langgraph_fusion.cli.output import say, terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from langgraph_fusion.evals.contamination.audit import ArmAudit
    from langgraph_fusion.evals.estimate import Cost, EvalEstimate
    from langgraph_fusion.evals.losses.loss import ArmLosses, Loss
    from langgraph_fusion.evals.records import StoredResult
    from langgraph_fusion.evals.report.analysis import Analysed
    from langgraph_fusion.evals.report.arm_summary import ArmSummary
    from langgraph_fusion.evals.report.comparison import ResultComparison
    from langgraph_fusion.evals.report.summary import Summary
    from langgraph_fusion.evals.statistics.paired import PairedDifference

_EXAMPLES = 3
"""Losses that are shown of each stage."""
_EXAMPLE_CHARS = 160
_WIDTH = 130
"""Columns of a file or a pipe."""


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
    """What a result says, on standard output."""
    from langgraph_fusion.evals.report.summary import summarise

    print_summary(summarise(result))


def print_analysed(found: "Analysed") -> None:
    """The summary, then what was lost at which stage."""
    print_summary(found.summary)
    if found.losses:
        _print_losses(found.losses)


def print_summary(found: "Summary") -> None:
    """What was measured, a row an arm, the differences, and what must be said beside them."""
    from langgraph_fusion.evals.report import words
    from langgraph_fusion.evals.report.headline import headline

    out = _wide()
    for line in _measured(found):
        out.print(line, style="dim")
    out.print()
    out.print(_arms(found.arms))
    out.print()
    out.print(_grading(found.arms))
    for part in found.comparisons:
        out.print(f"\n{part.question}", style="bold")
        out.print(_differences(part.differences))
    out.print()
    for one in found.all_fail:
        members = ", ".join(one.members)
        out.print(f"All members below 50: {words.share(one.tasks)} of the tasks ({members})")
    out.print(headline(found), style="bold")
    for caveat in found.caveats:
        say(f"note: {caveat}")


def print_comparison(found: "ResultComparison") -> None:
    """Two results, arm by arm."""
    from langgraph_fusion.evals.calibration import describe

    out = _wide()
    out.print(f"A: {found.first}", style="dim")
    out.print(f"B: {found.second}\n", style="dim")
    out.print(_differences(found.differences))
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

    table = _table("arm", "tasks", "kept away", "marked", "score", "without marked", "n")
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
    out = _wide()
    out.print(table)
    for one in audits:
        for rule, times in one.marks.items():
            out.print(f"{one.arm}: {rule}: {times}")
        if one.marked:
            out.print(f"{one.arm}: look at {', '.join(one.marked)}")


def _measured(found: "Summary") -> Iterator[str]:
    from langgraph_fusion.evals.calibration import describe
    from langgraph_fusion.evals.report import words

    data, protocol = found.dataset, found.protocol
    yield (
        f"{data.name} {data.revision or ''} sha256 {data.sha256[:16]}, "
        f"{len(data.chosen)} of {data.tasks} tasks; {found.created_at}, version {found.version}"
    ).replace("  ", " ")
    yield (
        f"protocol {protocol.id} sha256 {protocol.sha256[:16]}, judge {protocol.judge or 'code'}, "
        f"passes {protocol.passes}; prices of {found.prices or 'providers'}; "
        f"spent {words.dollars(found.spent_usd)}, judging {words.dollars(found.judge_usd)}"
    )
    for one in found.calibrations:
        yield f"judge {describe(one)}"


def _arms(arms: Iterable["ArmSummary"]) -> "Table":
    from langgraph_fusion.evals.report import words
    from langgraph_fusion.graph.wording import duration

    table = _table("arm", "score", "95 % (t)", "n", "with zeros", "$ a task", "time")
    for one in arms:
        seconds = one.seconds.mean
        table.add_row(
            one.name,
            words.number(one.score.mean, ".2f"),
            words.interval(one.score.t),
            str(one.score.n),
            words.number(one.score_with_zeros.mean, ".2f"),
            words.dollars(one.cost_usd.mean),
            "unknown" if seconds is None else duration(seconds),
        )
    return table


def _grading(arms: Iterable["ArmSummary"]) -> "Table":
    from langgraph_fusion.evals.report import words

    table = _table("arm", "bootstrap", "pass rate", "coverage", "refused", "failed", "cut off")
    for one in arms:
        table.add_row(
            one.name,
            words.interval(one.score.bootstrap),
            words.number(one.pass_rate.mean),
            words.percent(one.coverage),
            str(one.refused),
            str(one.failed),
            str(one.truncated),
        )
    return table


def _differences(found: Iterable["PairedDifference"]) -> "Table":
    from langgraph_fusion.evals.report import words

    table = _table("first", "second", "mean", "95 % (t)", "n", "r", "p (Holm)", "", left=2)
    for one in found:
        table.add_row(
            one.first,
            one.second,
            words.number(one.difference.mean, "+.2f"),
            words.interval(one.difference.t, "+.1f"),
            str(one.difference.n),
            words.number(one.correlation, ".2f"),
            words.p_value(one.p_holm),
            words.verdict(one),
        )
    return table


def _print_losses(found: Iterable["ArmLosses"]) -> None:
    from langgraph_fusion.evals.losses.loss import STAGES
    from langgraph_fusion.evals.report import words

    out = _wide()
    out.print("\nCriteria that a member met and the final answer did not, by stage", style="bold")
    table = _table("arm", *STAGES, "lost", "points", "gained", "points")
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


def _wide() -> "Console":
    """Standard output; as wide as tables need where it is no terminal."""
    out = terminal()
    if not out.is_terminal:
        out.width = _WIDTH
    return out


def _table(*names: str, left: int = 1) -> "Table":
    """A plain table whose first columns are text."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for place, name in enumerate(names):
        if place < left:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right", no_wrap=True)
    return table
