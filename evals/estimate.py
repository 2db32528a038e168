"""What an evaluation would cost, before it starts: members, panels, judges of the answers.

Runs are estimated as `fusion ask --estimate` does. A verdict takes 4,962 input and 378 output
tokens: the mean of 186,703 recorded judge calls on DRACO with one criterion a call (ScreamingFace,
2026). With many items a call a report takes about 33,000 (DeepResearch Bench II's authors).
"""

from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.evals.arms.from_settings import solo_settings
from langgraph_fusion.evals.arms.spec import ArmSpec
from langgraph_fusion.evals.evaluate import Plan
from langgraph_fusion.graph.preflight.estimate import estimate
from langgraph_fusion.graph.preflight.readiness import user_prices
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.prices import PriceTable
from langgraph_fusion.models.providers import ModelRef

INPUT_TOKENS, OUTPUT_TOKENS = 4_962, 378
REPORT_TOKENS = 33_000
_SHARED = ("writer_swap", "no_follow_ups", "placebo")
"""Kinds that take the judge's work from the arm they are a variant of."""
_FREE = ("oracle", "judge_picks", "concat")
_SAME_TEXT = ("oracle", "judge_picks")
"""Kinds whose answers are a member's, word for word: graded already."""


class Cost(BaseModel):
    """US dollars; None where a model has no listed price."""

    model_config = ConfigDict(frozen=True)

    likely: float | None
    high: float | None

    def plus(self, other: "Cost") -> "Cost":
        return Cost(likely=_sum(self.likely, other.likely), high=_sum(self.high, other.high))

    def times(self, number: int) -> "Cost":
        return Cost(
            likely=None if self.likely is None else self.likely * number,
            high=None if self.high is None else self.high * number,
        )


class EvalEstimate(BaseModel):
    """An evaluation's cost, without what is stored already."""

    model_config = ConfigDict(frozen=True)

    tasks: int
    arms: int
    member_runs: int
    verdicts: int
    members: Cost
    panels: Cost
    judging: Cost
    total: Cost


NOTHING = Cost(likely=0.0, high=0.0)


def estimate_evaluation(plan: Plan) -> EvalEstimate:
    """Nothing is called, and the store is not looked at: what is in it is not paid again."""
    tasks = len(plan.data.tasks)
    members, runs = _members(plan)
    panels = _total(_panel(arm) for arm in plan.arms)
    verdicts, judging = _judging(plan)
    members, panels = members.times(tasks), panels.times(tasks)
    return EvalEstimate(
        tasks=tasks,
        arms=len(plan.arms),
        member_runs=runs * tasks,
        verdicts=verdicts,
        members=members,
        panels=panels,
        judging=judging,
        total=members.plus(panels).plus(judging),
    )


def _members(plan: Plan) -> tuple[Cost, int]:
    """Each member, with as many samples as any arm wants of it, on one task."""
    samples: Counter[str] = Counter()
    settings: dict[str, FusionSettings] = {}
    for arm in plan.arms:
        for place in arm.panel:
            samples[place.member] = max(samples[place.member], place.sample + 1)
            settings.setdefault(
                place.member, solo_settings(plan.members[place.member].seat, arm.settings)
            )
    costs = (_stages(settings[name], ("panel",)).times(number) for name, number in samples.items())
    return _total(costs), sum(samples.values())


def _panel(arm: ArmSpec) -> Cost:
    """What is done after the members of an arm, on one task."""
    if arm.kind in ("solo", "judge_solo", *_FREE):
        return NOTHING
    whole = estimate(arm.settings).stages
    shared = ("judge", "follow_up") if arm.kind in _SHARED else ()
    return _stages(arm.settings, [one for one in whole if one not in ("panel", *shared)])


def _stages(settings: FusionSettings, stages: Iterable[str]) -> Cost:
    found = estimate(settings.changed(budget_usd=None)).stages
    costs = [part.cost_usd for stage, part in found.items() if stage in stages]
    if any(cost is None for cost in costs):
        return Cost(likely=None, high=None)
    return _total(Cost(likely=cost.likely, high=cost.high) for cost in costs if cost)


def _judging(plan: Plan) -> tuple[int, Cost]:
    if plan.protocol is None or plan.judge_model is None:
        return 0, NOTHING
    graded = sum(arm.kind not in _SAME_TEXT for arm in plan.arms) * plan.protocol.passes
    criteria = sum(len(task.criteria) for task in plan.data.tasks)
    price = _verdict_usd(plan, ModelRef.parse(plan.judge_model), user_prices())
    verdicts = graded * criteria
    return verdicts, Cost(likely=price, high=price).times(verdicts)


def _verdict_usd(plan: Plan, judge: ModelRef, prices: PriceTable) -> float | None:
    price = prices.price_of(judge)
    if price is None or plan.protocol is None:
        return None
    if plan.protocol.unit == 1:
        return price.cost_of(INPUT_TOKENS, OUTPUT_TOKENS, 0)
    items = sum(len(task.criteria) for task in plan.data.tasks) / len(plan.data.tasks)
    whole = price.cost_of(REPORT_TOKENS, round(OUTPUT_TOKENS * items / 4), 0)
    return None if whole is None else whole / items


def _total(costs: Iterable[Cost]) -> Cost:
    whole = NOTHING
    for cost in costs:
        whole = whole.plus(cost)
    return whole


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
