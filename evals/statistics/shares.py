"""Shares of tasks, with exact intervals."""

from collections.abc import Mapping, Sequence

from scipy import stats

from langgraph_fusion.evals.records import Record
from langgraph_fusion.evals.scoring import FAILS_BELOW
from langgraph_fusion.evals.statistics.estimates import CONFIDENCE, Interval


class Share(Record):
    """Some tasks out of all."""

    count: int
    n: int
    share: float | None
    """0 to 1; None without a task."""
    interval: Interval | None
    """Clopper and Pearson's."""


def share_of(count: int, n: int) -> Share:
    """The share `count / n` with its exact interval.

    Raises:
        ValueError: If it is not a share.
    """
    if not 0 <= count <= n:
        raise ValueError(f"{count} of {n} is no share")
    if n == 0:
        return Share(count=0, n=0, share=None, interval=None)
    found = stats.binomtest(count, n).proportion_ci(CONFIDENCE, method="exact")
    interval = Interval(low=float(found.low), high=float(found.high))
    return Share(count=count, n=n, share=count / n, interval=interval)


def all_fail(members: Sequence[Mapping[str, float]], least: float = FAILS_BELOW) -> Share:
    """Share of the tasks scored for every member on which none reaches `least`.

    No choice among the members' answers could be right there: only a writer that combines them.
    """
    if not members:
        return share_of(0, 0)
    common = [task for task in members[0] if all(task in other for other in members)]
    failed = sum(all(scores[task] < least for scores in members) for task in common)
    return share_of(failed, len(common))
