"""A mean over tasks with two intervals: Student's t, and a seeded percentile bootstrap."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from scipy import stats

from langgraph_fusion.evals.records import Record

CONFIDENCE = 0.95
SEED = 2602
"""Of every bootstrap, so that a report can be repeated to the last digit."""
DRAWS = 10_000
_ROUNDING = 1e-9


class Interval(Record):
    """Where a mean lies with 95 % confidence."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


class MeanEstimate(Record):
    """A mean over tasks. `None` is what so few tasks do not tell."""

    n: int
    mean: float | None
    """None without a task."""
    sd: float | None = None
    """Sample standard deviation over tasks (n - 1)."""
    se: float | None = None
    """Standard error of the mean."""
    t: Interval | None = None
    """Student's t interval."""
    bootstrap: Interval | None = None
    """Percentile interval of means of tasks drawn with replacement."""


def estimate_mean(values: Iterable[float], *, bootstrap: bool = True) -> MeanEstimate:
    """Estimate the mean of one value a task.

    Without `bootstrap` there is no second interval: it takes a hundred times as long as the rest.
    """
    found = np.asarray(list(values), dtype=float)
    n = len(found)
    if n == 0:
        return MeanEstimate(n=0, mean=None)
    mean = math.fsum(found) / n
    if n == 1:
        return MeanEstimate(n=1, mean=mean)
    sd = float(stats.tstd(found)) if varies(found) else 0.0
    return MeanEstimate(
        n=n,
        mean=mean,
        sd=sd,
        se=sd / math.sqrt(n),
        t=_t_interval(mean, sd / math.sqrt(n), n),
        bootstrap=bootstrap_mean(found) if bootstrap else None,
    )


def varies(values: np.ndarray) -> bool:
    """Whether values differ by more than the rounding of their arithmetic."""
    return len(values) > 1 and float(np.ptp(values)) > _ROUNDING


def bootstrap_mean(values: Sequence[float] | np.ndarray) -> Interval:
    """Percentile interval of the mean, over tasks drawn anew; the same for the same values."""
    found = stats.bootstrap(
        (np.asarray(values, dtype=float),),
        np.mean,
        n_resamples=DRAWS,
        batch=1000,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Interval(low=float(found.low), high=float(found.high))


def estimate_by_group(
    values: Mapping[str, float], group_of: Callable[[str], str]
) -> dict[str, MeanEstimate]:
    """Estimate the mean inside each group of tasks, by t; groups in order of their names."""
    groups: dict[str, list[float]] = defaultdict(list)
    for task, value in values.items():
        groups[group_of(task)].append(value)
    return {name: estimate_mean(groups[name], bootstrap=False) for name in sorted(groups)}


def _t_interval(mean: float, se: float, n: int) -> Interval:
    if se == 0:
        return Interval(low=mean, high=mean)
    low, high = stats.t.interval(CONFIDENCE, n - 1, loc=mean, scale=se)
    return Interval(low=float(low), high=float(high))
