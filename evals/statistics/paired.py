"""Differences of two arms on the tasks both were scored on.

Tasks differ far more than arms do, and arms agree about which tasks are hard (correlations of 0.6
to 0.9 were measured on DRACO): a paired interval is two to three times narrower than one that is
not.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from langgraph_fusion.evals.records import Record
from langgraph_fusion.evals.statistics.estimates import MeanEstimate, estimate_mean, varies

TIE = 1e-9
"""Scores that differ by less are equal: the rest is rounding."""


class PairedDifference(Record):
    """First minus second, over common tasks."""

    first: str
    second: str
    difference: MeanEstimate
    """Its `n` is the number of common tasks."""
    only_first: int
    """Tasks that only the first has a score for."""
    only_second: int
    correlation: float | None
    """Pearson's, of the two scores over tasks; None where one side never varies."""
    wins: int
    losses: int
    ties: int
    p: float | None
    """Two-sided paired t test; None with fewer than two tasks."""
    p_holm: float | None = None
    """Corrected for all comparisons of the table, by Holm; None before `correct`."""

    @property
    def told_apart(self) -> bool:
        """Whether the corrected p is below 0.05."""
        p = self.p if self.p_holm is None else self.p_holm
        return p is not None and p < 0.05


def compare(
    first: str, second: str, left: Mapping[str, float], right: Mapping[str, float]
) -> PairedDifference:
    """Compare the scores of two arms, by task."""
    common = [task for task in left if task in right]
    ours = np.array([left[task] for task in common], dtype=float)
    theirs = np.array([right[task] for task in common], dtype=float)
    gaps = ours - theirs
    return PairedDifference(
        first=first,
        second=second,
        difference=estimate_mean(gaps),
        only_first=len(left) - len(common),
        only_second=len(right) - len(common),
        correlation=_correlation(ours, theirs),
        wins=int((gaps > TIE).sum()),
        losses=int((gaps < -TIE).sum()),
        ties=int((abs(gaps) <= TIE).sum()),
        p=_p_value(gaps),
    )


def correct(comparisons: Sequence[PairedDifference]) -> list[PairedDifference]:
    """Correct the p values for being looked at together, by Holm's step-down procedure."""
    from statsmodels.stats.multitest import multipletests

    known = [one.p for one in comparisons if one.p is not None]
    if not known:
        return list(comparisons)
    corrected = iter(multipletests(known, method="holm")[1])
    return [
        one if one.p is None else one.model_copy(update={"p_holm": float(next(corrected))})
        for one in comparisons
    ]


def _correlation(ours: np.ndarray, theirs: np.ndarray) -> float | None:
    if not (varies(ours) and varies(theirs)):
        return None
    return float(stats.pearsonr(ours, theirs).statistic)


def _p_value(gaps: np.ndarray) -> float | None:
    if len(gaps) < 2:
        return None
    if not varies(gaps):
        return 1.0 if abs(gaps[0]) < TIE else 0.0
    return float(stats.ttest_1samp(gaps, 0.0).pvalue)
