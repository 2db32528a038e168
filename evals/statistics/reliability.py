"""How much of a score is the judge's own chance: several passes over the same answers."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy import stats

from langgraph_fusion.evals.records import Outcome, Record
from langgraph_fusion.evals.statistics.estimates import CONFIDENCE


class NoiseFloor(Record):
    """What changes when the same judge grades the same answers again."""

    tasks: int
    """Tasks with at least two passes."""
    passes: int
    """Passes of most tasks."""
    within_sd: float
    """Standard deviation of a task's score over passes, pooled over tasks."""
    mean_se: float
    """Standard error that this leaves in the mean over tasks."""
    difference: float
    """A difference of two arms' means below this is within the judge's noise (95 %)."""
    criteria: int
    """Criteria that were judged in every pass."""
    agreement: float | None
    """Share of these on which all passes agree."""
    kappa: float | None
    """Fleiss' kappa over them; None where every verdict is the same."""


def noise_floor(outcomes: Iterable[Outcome]) -> NoiseFloor | None:
    """Measure the judge's noise; None with one pass, which tells nothing about it."""
    graded = [one for one in outcomes if one.score and len(one.score.passes) > 1]
    if not graded:
        return None
    passes = [one.score.passes for one in graded if one.score]
    count = int(stats.mode([len(one) for one in passes]).mode)
    variances = [(float(np.var(one, ddof=1)), len(one)) for one in passes]
    degrees = sum(n - 1 for _, n in variances)
    within = math.sqrt(sum(v * (n - 1) for v, n in variances) / degrees)
    se = math.sqrt(sum(v / n for v, n in variances)) / len(passes)
    z = float(stats.norm.ppf(0.5 + CONFIDENCE / 2))
    criteria = _rated(graded, count)
    return NoiseFloor(
        tasks=len(passes),
        passes=count,
        within_sd=within,
        mean_se=se,
        difference=z * math.sqrt(2) * se,
        criteria=len(criteria),
        agreement=_agreement(criteria),
        kappa=_fleiss(criteria),
    )


def pass_means(outcomes: Iterable[Outcome]) -> list[float]:
    """The mean over tasks of each pass, over tasks that have them all."""
    scored = [one.score.passes for one in outcomes if one.score]
    if not scored:
        return []
    most = max(map(len, scored))
    whole = [one for one in scored if len(one) == most]
    return [math.fsum(column) / len(whole) for column in zip(*whole, strict=True)]


def _rated(outcomes: Sequence[Outcome], passes: int) -> list[list[bool]]:
    """The verdicts of every criterion that has one in each pass."""
    rated = []
    for outcome in outcomes:
        by_criterion: Mapping[str, list[bool]] = defaultdict(list)
        for verdict in outcome.verdicts:
            if verdict.met is not None:
                by_criterion[verdict.criterion].append(verdict.met)
        rated += [verdicts for verdicts in by_criterion.values() if len(verdicts) == passes]
    return rated


def _agreement(criteria: Sequence[Sequence[bool]]) -> float | None:
    if not criteria:
        return None
    return sum(len(set(verdicts)) == 1 for verdicts in criteria) / len(criteria)


def _fleiss(criteria: Sequence[Sequence[bool]]) -> float | None:
    from statsmodels.stats.inter_rater import fleiss_kappa

    table = np.array([[sum(one), len(one) - sum(one)] for one in criteria])
    if not len(table) or not table.sum(axis=0).all():
        return None
    return float(fleiss_kappa(table))
