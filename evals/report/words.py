"""Figures of a report in a reader's words."""

from langgraph_fusion.evals.losses.records import STAGES
from langgraph_fusion.evals.statistics.estimates import Interval, MeanEstimate
from langgraph_fusion.evals.statistics.paired import PairedDifference
from langgraph_fusion.evals.statistics.shares import Share
from langgraph_fusion.graph.wording import money

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
"""Where there is no figure."""


def number(value: float | None, form: str = ".1f") -> str:
    """`70.6`; with `+.1f` also `+9.9` and a real minus sign."""
    return NOTHING if value is None else format(value, form).replace("-", MINUS)


def interval(found: Interval | None, form: str = ".1f") -> str:
    """`[67.6, 73.7]`."""
    return "" if found is None else f"[{number(found.low, form)}, {number(found.high, form)}]"


def estimate(found: MeanEstimate, form: str = ".1f") -> str:
    """Mean and t interval."""
    return f"{number(found.mean, form)} {interval(found.t, form)}".strip()


def percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.1f} %"


def share(found: Share) -> str:
    """`12 of 100 (12.0 %) [6.4 %, 20.0 %]`."""
    if found.interval is None:
        return "no task"
    low, high = percent(found.interval.low), percent(found.interval.high)
    return f"{found.count} of {found.n} ({percent(found.share)}) [{low}, {high}]"


def dollars(value: float | None) -> str:
    """Money; unknown is said."""
    return "unknown" if value is None else money(value)


def p_value(value: float | None) -> str:
    if value is None:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def verdict(found: PairedDifference) -> str:
    """What a comparison allows to be said."""
    if found.difference.t is None:
        return "too few tasks"
    if not found.told_apart:
        return "not told apart"
    return "better" if (found.difference.mean or 0) > 0 else "worse"


def stage(name: str) -> str:
    """A stage of a loss, in words."""
    return STAGES.get(name, name)  # type: ignore[call-overload, no-any-return]
