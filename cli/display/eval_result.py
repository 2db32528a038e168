"""An evaluation on the terminal: what it would cost, and what came of it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from langgraph_fusion.cli.output import say, terminal
from langgraph_fusion.graph.wording import count, duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from langgraph_fusion.evals.estimate import Cost, EvalEstimate
    from langgraph_fusion.evals.records import StoredResult
    from langgraph_fusion.evals.report.arm_summary import ArmSummary
    from langgraph_fusion.evals.report.summary import Summary
    from langgraph_fusion.evals.statistics.paired import PairedDifference

_WIDTH = 130
"""Columns of a file or a pipe."""


def print_estimate(found: "EvalEstimate") -> None:
    """On standard error: standard output is the result's."""
    for line in estimate_lines(found):
        say(line)


def estimate_lines(found: "EvalEstimate") -> Iterator[str]:
    yield (
        f"{count(found.tasks, 'task')}, {count(found.arms, 'arm')}: "
        f"{count(found.member_runs, 'member run')}, {count(found.verdicts, 'verdict')}."
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


def print_summary(found: "Summary") -> None:
    """What was measured, a row an arm, the differences, and what must be said beside them."""
    from langgraph_fusion.evals.report import words
    from langgraph_fusion.evals.report.headline import headline

    out = wide()
    for line in _measured(found):
        out.print(line, style="dim")
    out.print()
    out.print(_arms(found.arms))
    out.print()
    out.print(_grading(found.arms))
    for part in found.comparisons:
        out.print(f"\n{part.question}", style="bold")
        out.print(differences(part.differences))
    out.print()
    for one in found.all_fail:
        members = ", ".join(one.members)
        out.print(f"All members below 50: {words.share(one.tasks)} of the tasks ({members})")
    out.print(headline(found), style="bold")
    for line in _noise(found.arms):
        out.print(line)
    for caveat in found.caveats:
        say(f"note: {caveat}")


def _noise(arms: Iterable["ArmSummary"]) -> Iterator[str]:
    """What of a difference may be the judge's own chance, where there were several passes."""
    from langgraph_fusion.evals.report import words

    for arm in arms:
        if noise := arm.noise:
            yield (
                f"{arm.name}: over {noise.passes} passes a task's score has SD "
                f"{noise.within_sd:.2f}; differences below {noise.difference:.2f} are within the "
                f"judge's noise; {words.percent(noise.agreement)} of verdicts agree"
            )


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

    table = text_table("arm", "score", "95 % (t)", "n", "with zeros", "$ a task", "time")
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

    table = text_table("arm", "bootstrap", "pass rate", "coverage", "refused", "failed", "cut off")
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


def differences(found: Iterable["PairedDifference"]) -> "Table":
    """A row a comparison."""
    from langgraph_fusion.evals.report import words

    table = text_table("first", "second", "mean", "95 % (t)", "n", "r", "p (Holm)", "", left=2)
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


def wide() -> "Console":
    """Standard output; as wide as tables need where it is no terminal."""
    out = terminal()
    if not out.is_terminal:
        out.width = _WIDTH
    return out


def text_table(*names: str, left: int = 1) -> "Table":
    """A plain table whose first columns are text."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for place, name in enumerate(names):
        if place < left:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right", no_wrap=True)
    return table
