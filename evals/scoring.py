"""From verdicts to scores: DRACO's formula (arXiv 2602.11685), for a task, its axes and its passes.

    raw        = sum of the weights of criteria that are MET; negative ones count when MET
    positive   = sum of the positive weights
    normalized = 100 * raw / positive, between 0 and 100; 0 where nothing is positive
    pass_rate  = 100 * (positive ones MET + negative ones not MET) / criteria

The order `100 * raw / positive` reproduces recorded scores bit for bit; `raw / positive * 100` does
not. A verdict that is missing is not a verdict that is UNMET.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from langgraph_fusion.evals.records import Criterion, SectionScore, Task, TaskScore, Verdict

FAILS_BELOW = 50.0
"""A task fails below this score: "correct" in OpenRouter's summary means 50 or more."""
LostRule = Literal["unscored", "drop"]
"""What a lost verdict does: the task stays unscored, or the criterion counts nowhere."""


@dataclass(frozen=True)
class PassScore:
    """The score of one pass over one rubric, or over one section of it."""

    raw: float
    positive: float
    score: float
    pass_rate: float


def score_pass(criteria: Sequence[Criterion], met: Mapping[str, bool]) -> PassScore:
    """Score one judge's pass; every criterion needs a verdict (else `KeyError`)."""
    raw = sum(one.weight for one in criteria if met[one.id])
    positive = sum(one.weight for one in criteria if one.weight > 0)
    wanted = sum(met[one.id] == (one.weight > 0) for one in criteria)
    normalized = 100 * raw / positive if positive else 0.0
    return PassScore(
        raw=raw,
        positive=positive,
        score=float(min(max(normalized, 0.0), 100.0)),
        pass_rate=100 * wanted / len(criteria) if criteria else 0.0,
    )


def score_task(
    task: Task, verdicts: Sequence[Verdict], passes: int, lost: LostRule = "unscored"
) -> TaskScore | None:
    """The mean over all passes; None if verdicts that it takes are missing.

    With `drop` a criterion without a verdict leaves the pass, numerator and denominator; a pass
    without any verdict leaves the mean.
    """
    met = _by_pass(verdicts)
    kept = [(_graded(task, met.get(number, {})), met.get(number, {})) for number in range(passes)]
    if lost == "unscored" and any(len(graded) < len(task.criteria) for graded, _ in kept):
        return None
    kept = [(graded, found) for graded, found in kept if graded]
    if not kept:
        return None
    scores = [score_pass(graded, found) for graded, found in kept]
    return TaskScore(
        score=_mean([one.score for one in scores]),
        pass_rate=_mean([one.pass_rate for one in scores]),
        raw=_mean([one.raw for one in scores]),
        positive=_mean([one.positive for one in scores]),
        passes=tuple(one.score for one in scores),
        sections=_sections(task, kept),
    )


def _by_pass(verdicts: Sequence[Verdict]) -> dict[int, dict[str, bool]]:
    met: dict[int, dict[str, bool]] = {}
    for one in verdicts:
        if one.met is not None:
            met.setdefault(one.judge_pass, {})[one.criterion] = one.met
    return met


def _graded(task: Task, met: Mapping[str, bool]) -> list[Criterion]:
    return [one for one in task.criteria if one.id in met]


def _sections(
    task: Task, kept: Sequence[tuple[list[Criterion], Mapping[str, bool]]]
) -> dict[str, SectionScore]:
    found: dict[str, SectionScore] = {}
    for section in dict.fromkeys(one.section for one in task.criteria):
        parts = [([one for one in graded if one.section == section], met) for graded, met in kept]
        scores = [score_pass(part, met) for part, met in parts if part]
        if scores:
            found[section] = SectionScore(
                score=_mean([one.score for one in scores]),
                pass_rate=_mean([one.pass_rate for one in scores]),
                criteria=sum(one.section == section for one in task.criteria),
            )
    return found


def _mean(values: Sequence[float]) -> float:
    """Of one value it is that value, bit for bit."""
    return values[0] if len(values) == 1 else sum(values) / len(values)
