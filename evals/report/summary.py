"""A stored result in figures: its arms, their comparisons, and what must be said beside them.

Which comparisons are made is fixed here, before any result is looked at, so that Holm's correction
covers all of them:

- every arm that combines members against the best of them, the one with the highest mean over the
  tasks that all of them were scored on (chosen afterwards, which favours the member);
- every arm that combines members against the oracle, which picks each task's best member with the
  rubric in hand: a ceiling for choosing, not for writing;
- every variant against the `panel` with the same members;
- where there is no such arm: every pair of arms.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from langgraph_fusion.evals.calibration import LEAST_TASKS
from langgraph_fusion.evals.records import (
    ArmResult,
    Calibration,
    DataSetRef,
    ProtocolRef,
    Record,
    StoredResult,
)
from langgraph_fusion.evals.report.arm_summary import ArmSummary, summarise_arm
from langgraph_fusion.evals.statistics.paired import PairedDifference, compare, correct
from langgraph_fusion.evals.statistics.shares import Share, all_fail

FUSED = frozenset(
    {
        "self_fusion", "panel", "no_judge", "judge_picks", "concat", "no_follow_ups", "placebo",
        "writer_swap", "prompts", "equal_spend",
    }
)  # fmt: skip
"""Kinds of arms that make one answer of several members'."""
MOST_PAIRS = 66
"""Of twelve arms without roles."""
RERUN_NOISE = 1.8
"""Points: near-identical reruns of whole panels differed by so much at n = 100, paired."""


class Comparisons(Record):
    """Paired differences that answer one question."""

    question: str
    differences: tuple[PairedDifference, ...]


class AllFail(Record):
    """How often no member of a panel is right."""

    members: tuple[str, ...]
    tasks: Share


class Summary(Record):
    """Everything that a table or a report prints."""

    created_at: str
    version: str
    dataset: DataSetRef
    protocol: ProtocolRef
    prices: str | None
    spent_usd: float | None
    judge_usd: float | None
    calibrations: tuple[Calibration, ...]
    arms: tuple[ArmSummary, ...]
    comparisons: tuple[Comparisons, ...]
    all_fail: tuple[AllFail, ...]
    caveats: tuple[str, ...]
    """What must be read before any figure, in sentences."""

    def arm(self, name: str) -> ArmSummary:
        return next(one for one in self.arms if one.name == name)


def summarise(result: StoredResult) -> Summary:
    """Work out all figures of a result; the same result gives the same figures."""
    arms = tuple(summarise_arm(arm) for arm in result.arms)
    return Summary(
        created_at=result.created_at,
        version=result.version,
        dataset=result.dataset,
        protocol=result.protocol,
        prices=result.prices,
        spent_usd=result.spent_usd,
        judge_usd=result.judge_usd,
        calibrations=result.calibrations,
        arms=arms,
        comparisons=_corrected(list(_comparisons(result.arms))),
        all_fail=tuple(_all_fail(result.arms)),
        caveats=tuple(_caveats(result, arms)),
    )


def best_member(arm: ArmResult, arms: Sequence[ArmResult]) -> ArmResult | None:
    """The member with the highest mean over the tasks that all members were scored on."""
    members = [one for one in arms if one.name in set(arm.members) and one.name != arm.name]
    scored = [one for one in members if one.scores]
    if not scored:
        return None
    common = set.intersection(*(set(one.scores) for one in scored))

    def mean(one: ArmResult) -> float:
        return sum(one.scores[task] for task in common) / max(1, len(common))

    return max(scored, key=mean)


def _comparisons(arms: Sequence[ArmResult]) -> Iterator[Comparisons]:
    fused = [one for one in arms if one.kind in FUSED and one.members]
    oracles = [one for one in arms if one.kind == "oracle"]
    against_best = [(one, best) for one in fused if (best := best_member(one, arms))]
    yield _question("Better than the best member?", against_best)
    against_oracle = [
        (one, oracle)
        for one in fused
        for oracle in oracles
        if set(oracle.members) == set(one.members)
    ]
    yield _question("Better than the best member of each task?", against_oracle)
    panels = [one for one in fused if one.kind == "panel"]
    variants = [
        (panel, one)
        for panel in panels
        for one in fused
        if one is not panel and set(one.members) == set(panel.members)
    ]
    yield _question("What is each part of the panel worth?", variants)
    if not (against_best or against_oracle or variants):
        yield _question("How do they differ?", list(combinations(arms, 2))[:MOST_PAIRS])


def _question(question: str, pairs: Sequence[tuple[ArmResult, ArmResult]]) -> Comparisons:
    compared = tuple(
        compare(one.name, other.name, one.scores, other.scores) for one, other in pairs
    )
    return Comparisons(question=question, differences=compared)


def _corrected(found: list[Comparisons]) -> tuple[Comparisons, ...]:
    """The same with Holm's correction over all of them together."""
    corrected = iter(correct([one for part in found for one in part.differences]))
    return tuple(
        Comparisons(
            question=part.question, differences=tuple(next(corrected) for _ in part.differences)
        )
        for part in found
        if part.differences
    )


def _all_fail(arms: Sequence[ArmResult]) -> Iterator[AllFail]:
    known: Mapping[str, ArmResult] = {one.name: one for one in arms}
    panels = dict.fromkeys(one.members for one in arms if one.kind in FUSED and one.members)
    for members in panels or _solos(arms):
        found = [known[name].scores for name in members if name in known]
        if len(found) == len(members):
            yield AllFail(members=members, tasks=all_fail(found))


def _solos(arms: Sequence[ArmResult]) -> list[tuple[str, ...]]:
    names = tuple(one.name for one in arms if one.kind == "solo")
    return [names] if len(names) > 1 else []


def _caveats(result: StoredResult, arms: Sequence[ArmSummary]) -> Iterator[str]:
    if result.served_by_hand:
        yield (
            "Models were served by hand: others than those named may have answered. Differences "
            "inside this table are what counts; its levels compare with nothing published."
        )
    for arm in arms:
        if not arm.complete:
            yield (
                f"{arm.name}: {arm.coverage:.1%} of the verdicts that were due were obtained, "
                f"{arm.unscored} answers are unscored. This is no headline."
            )
    if arms and not any(arm.noise for arm in arms) and result.protocol.judge:
        yield (
            "One judge's pass: how far a verdict is chance was not measured here. Elsewhere whole "
            f"reruns differed by {RERUN_NOISE} points at n = 100, paired."
        )
    if result.protocol.judge and not result.calibrations:
        yield "The judge was not calibrated against recorded verdicts or people's."
    weak = [one.against for one in result.calibrations if one.tasks < LEAST_TASKS]
    if weak:
        yield f"The calibration against {', '.join(weak)} has fewer than {LEAST_TASKS} tasks."
    if marked := sum(arm.marked for arm in arms):
        yield f"{marked} answers carry a sign of contamination: see `fusion eval audit`."
    yield from result.notes
