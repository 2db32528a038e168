"""The figures of one arm: score with intervals, coverage, citations, cost and time."""

import math
import re
from collections.abc import Callable, Iterable

from langgraph_fusion.evals.records import ArmKind, ArmResult, Outcome, Record, StageUse
from langgraph_fusion.evals.statistics.estimates import (
    MeanEstimate,
    estimate_by_group,
    estimate_mean,
)
from langgraph_fusion.evals.statistics.reliability import NoiseFloor, noise_floor

_ADDRESS = re.compile(r"https?://[^\s)\]>\"']+")


class StageMean(Record):
    """What a stage takes on an average task."""

    stage: str
    tasks: int
    """Tasks that had the stage."""
    calls: float
    input_tokens: float | None
    output_tokens: float | None
    cost_usd: float | None
    """None as soon as it is unknown for one task."""
    seconds: float | None
    """Model time, not wall time: members work side by side."""


class Citations(Record):
    """How an arm cites."""

    addresses: MeanEstimate
    """Web addresses in an answer."""
    cited: MeanEstimate
    """Sources in an answer's list; none where no sources were registered."""
    without_citation: int | None
    """Usable answers with neither a cited source nor an address; None where texts are unknown."""
    claim_retention: MeanEstimate
    citation_retention: MeanEstimate


class ArmSummary(Record):
    """An arm in figures."""

    name: str
    kind: ArmKind
    members: tuple[str, ...]
    tasks: int
    score: MeanEstimate
    """Complete cases: what could be scored."""
    score_with_zeros: MeanEstimate
    """Refused and failed answers count as 0."""
    pass_rate: MeanEstimate
    domains: dict[str, MeanEstimate]
    axes: dict[str, MeanEstimate]
    noise: NoiseFloor | None
    """None with one pass."""
    coverage: float
    """Verdicts obtained over verdicts due, 0 to 1."""
    unscored: int
    """Usable answers without a score: verdicts were lost."""
    refused: int
    failed: int
    truncated: int
    """Answers that the output limit cut off."""
    marked: int
    """Tasks with a sign of contamination that is no drop."""
    dropped: int
    """Texts and addresses kept from the members."""
    score_without_marked: MeanEstimate
    citations: Citations
    cost_usd: MeanEstimate
    """A task's, shared member runs included; over the tasks whose cost is known."""
    cost_unknown: int
    """Tasks whose cost is not known."""
    seconds: MeanEstimate
    """Wall time of a task as if nothing had been shared."""
    judge_usd: float | None
    """What grading the arm cost; None if a part is unknown."""
    stages: tuple[StageMean, ...]

    @property
    def complete(self) -> bool:
        """Whether every verdict that was due was obtained."""
        return self.coverage >= 1 and self.unscored == 0


def summarise_arm(arm: ArmResult) -> ArmSummary:
    """Work out the figures of one arm."""
    outcomes, scores = arm.outcomes, arm.scores
    domain = {one.task: one.domain or "all" for one in outcomes}
    usable = [one for one in outcomes if one.answer.usable]
    marked = {one.task for one in outcomes if any(not mark.dropped for mark in one.marks)}
    return ArmSummary(
        name=arm.name,
        kind=arm.kind,
        members=arm.members,
        tasks=len(outcomes),
        score=estimate_mean(scores.values()),
        score_with_zeros=estimate_mean(arm.scores_with_zeros.values()),
        pass_rate=_mean_of(outcomes, lambda one: one.score.pass_rate if one.score else None),
        domains=estimate_by_group(scores, domain.__getitem__),
        axes=_axes(outcomes),
        noise=noise_floor(outcomes),
        coverage=arm.coverage,
        unscored=sum(one.score is None for one in usable),
        refused=arm.refused,
        failed=arm.failed,
        truncated=sum(one.answer.finish == "length" for one in outcomes),
        marked=len(marked),
        dropped=sum(mark.dropped for one in outcomes for mark in one.marks),
        score_without_marked=estimate_mean(
            score for task, score in scores.items() if task not in marked
        ),
        citations=_citations(usable),
        cost_usd=_mean_of(outcomes, lambda one: one.answer.cost_usd),
        cost_unknown=sum(one.answer.cost_usd is None for one in outcomes),
        seconds=_mean_of(outcomes, lambda one: one.answer.seconds),
        judge_usd=_sum(one.judge_usd for one in outcomes if one.verdicts),
        stages=_stages(outcomes),
    )


def _citations(usable: list[Outcome]) -> Citations:
    written = [one for one in usable if one.answer.text_recorded]
    bare = sum(not _cited(one) and not _addresses(one) for one in written)
    return Citations(
        addresses=_mean_of(written, _addresses),
        cited=_mean_of([one for one in written if one.answer.sources], _cited),
        without_citation=bare if written else None,
        claim_retention=_mean_of(usable, lambda one: one.answer.claim_retention),
        citation_retention=_mean_of(usable, lambda one: one.answer.citation_retention),
    )


def _addresses(outcome: Outcome) -> int:
    return len(_ADDRESS.findall(outcome.answer.text))


def _cited(outcome: Outcome) -> int:
    return sum(source.number is not None for source in outcome.answer.sources)


def _axes(outcomes: Iterable[Outcome]) -> dict[str, MeanEstimate]:
    axes: dict[str, list[float]] = {}
    for outcome in outcomes:
        for name, section in (outcome.score.sections if outcome.score else {}).items():
            axes.setdefault(name, []).append(section.score)
    return {name: estimate_mean(scores, bootstrap=False) for name, scores in axes.items()}


def _mean_of(
    outcomes: Iterable[Outcome], value_of: Callable[[Outcome], float | None]
) -> MeanEstimate:
    """Over the tasks where it is known."""
    known = (value_of(one) for one in outcomes)
    return estimate_mean((value for value in known if value is not None), bootstrap=False)


def _stages(outcomes: Iterable[Outcome]) -> tuple[StageMean, ...]:
    used = [use for one in outcomes for use in one.answer.stages]
    names = dict.fromkeys(use.stage for use in used)
    return tuple(_stage(name, [use for use in used if use.stage == name]) for name in names)


def _stage(name: str, uses: list[StageUse]) -> StageMean:
    n = len(uses)
    tokens_in = _sum(use.input_tokens for use in uses)
    tokens_out = _sum(use.output_tokens for use in uses)
    cost, seconds = _sum(use.cost_usd for use in uses), _sum(use.seconds for use in uses)
    return StageMean(
        stage=name,
        tasks=n,
        calls=sum(use.calls for use in uses) / n,
        input_tokens=None if tokens_in is None else tokens_in / n,
        output_tokens=None if tokens_out is None else tokens_out / n,
        cost_usd=None if cost is None else cost / n,
        seconds=None if seconds is None else seconds / n,
    )


def _sum(values: Iterable[float | None]) -> float | None:
    """None as soon as one is unknown."""
    found = list(values)
    known = [value for value in found if value is not None]
    return math.fsum(known) if found and len(known) == len(found) else None
