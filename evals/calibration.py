"""Compare a judge with recorded verdicts of another, or with people's.

A judge retires, and another one sets another level: a score says little without knowing how its
judge agrees with somebody. Verdicts are compared criterion by criterion, scores task by task.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from langgraph_fusion.evals.records import ArmResult, Calibration, Outcome, Verdict
from langgraph_fusion.evals.statistics.paired import compare

LEAST_TASKS = 20
"""With fewer tasks a calibration is printed as weak."""

Key = tuple[str, str]
"""Task and criterion."""


def calibrate(ours: Iterable[Outcome], theirs: Iterable[Outcome], against: str) -> Calibration:
    """Compare this judge's verdicts with others' on the same answers.

    Tasks and criteria that only one side has are left out; with several passes the majority counts.
    The caller sees to it that both sides graded the same texts.

    Raises:
        ValueError: If there is nothing to compare.
    """
    mine, yours = list(ours), list(theirs)
    pairs = _pairs(_by_key(mine), _by_key(yours))
    if not pairs:
        raise ValueError("no criterion has a verdict of both judges")
    first, second = (np.array(side) for side in zip(*pairs.values(), strict=True))
    bias = compare("ours", "theirs", _scores(mine), _scores(yours)).difference.mean
    return Calibration(
        against=against,
        tasks=len({task for task, _ in pairs}),
        verdicts=len(pairs),
        agreement=float((first == second).mean()),
        kappa=_kappa(first, second),
        bias=bias,
    )


def calibrate_arms(ours: ArmResult, theirs: ArmResult, against: str) -> Calibration:
    """Compare the judges of two arms on the tasks on which their answers are the same text."""
    texts = {one.task: one.answer.sha256 for one in theirs.outcomes}
    same = [one for one in ours.outcomes if texts.get(one.task) == one.answer.sha256]
    tasks = {one.task for one in same}
    return calibrate(same, (one for one in theirs.outcomes if one.task in tasks), against)


def describe(calibration: Calibration) -> str:
    """One line for the head of a table."""
    kappa = "unknown" if calibration.kappa is None else f"{calibration.kappa:.3f}"
    bias = "unknown" if calibration.bias is None else f"{calibration.bias:+.1f} points"
    weak = f"; fewer than {LEAST_TASKS} tasks" if calibration.tasks < LEAST_TASKS else ""
    return (
        f"against {calibration.against}: agreement {calibration.agreement:.1%}, κ {kappa}, bias "
        f"{bias} ({calibration.verdicts:,} verdicts, {calibration.tasks} tasks{weak})"
    )


def _by_key(outcomes: Iterable[Outcome]) -> dict[Key, bool]:
    votes: dict[Key, list[bool]] = {}
    for outcome in outcomes:
        for verdict in filter(_is_known, outcome.verdicts):
            votes.setdefault((outcome.task, verdict.criterion), []).append(bool(verdict.met))
    return {key: 2 * sum(met) > len(met) for key, met in votes.items() if _is_decided(met)}


def _is_known(verdict: Verdict) -> bool:
    return verdict.met is not None


def _is_decided(votes: list[bool]) -> bool:
    return 2 * sum(votes) != len(votes)


def _pairs(ours: Mapping[Key, bool], theirs: Mapping[Key, bool]) -> dict[Key, tuple[bool, bool]]:
    return {key: (met, theirs[key]) for key, met in ours.items() if key in theirs}


def _scores(outcomes: Iterable[Outcome]) -> dict[str, float]:
    return {one.task: one.score.score for one in outcomes if one.score}


def _kappa(first: np.ndarray, second: np.ndarray) -> float | None:
    from statsmodels.stats.inter_rater import cohens_kappa

    table = np.array(
        [[int(((first == a) & (second == b)).sum()) for b in (True, False)] for a in (True, False)]
    )
    if not (table.sum(axis=0).all() and table.sum(axis=1).all()):
        return None
    return float(cohens_kappa(table, return_results=False))
