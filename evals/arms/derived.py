"""Arms that follow from others: the best member of each task, and as much money on one member."""

from collections.abc import Mapping, Sequence

from langgraph_fusion.evals.arms.from_settings import self_fusion
from langgraph_fusion.evals.arms.spec import ArmSpec, MemberSpec
from langgraph_fusion.evals.records import ArmResult, Outcome
from langgraph_fusion.graph.seat import MAX_SEATS


def best_member(arm: ArmSpec, solos: Sequence[ArmResult]) -> ArmResult:
    """An oracle: on each task the member with the best score. Nobody can choose so well."""
    return best_of(arm.name, [f"solo {one}" for one in arm.members], solos)


def best_of(name: str, members: Sequence[str], solos: Sequence[ArmResult]) -> ArmResult:
    """`members` are names of solo arms among `solos`."""
    mine = [one for one in solos if one.name in members]
    outcomes = [list(same) for same in zip(*(one.outcomes for one in mine), strict=True)]
    return ArmResult(
        name=name,
        kind="oracle",
        members=tuple(members),
        outcomes=tuple(max(same, key=_rank) for same in outcomes),
    )


def _rank(outcome: Outcome) -> float:
    return outcome.score.score if outcome.score else -1.0


def equal_spend(
    arm: ArmSpec, members: Mapping[str, MemberSpec], results: Sequence[ArmResult]
) -> tuple[ArmSpec | None, str]:
    """Self-fusion of a member with as many samples as the panel's members cost; and why so many.

    None where a cost is not known, or where one sample is all that can be paid.
    """
    member = arm.members[0]
    panel = _mean([_panel_usd(one) for one in _outcomes(results, arm.of)])
    alone = _mean([one.answer.cost_usd for one in _outcomes(results, f"solo {member}")])
    if not panel or not alone:
        return None, f"{arm.name}: left out, because what a run costs is not known or nothing."
    samples = min(MAX_SEATS, round(panel / alone))
    if samples < 2:
        return None, f"{arm.name}: left out, {member} alone costs as much as the panel's members."
    base = arm.model_copy(update={"name": arm.of or arm.name})
    settings, places = self_fusion(base, members[member], samples)
    note = f"{arm.name}: {samples} samples of {member} at ${alone:.4f} for a panel at ${panel:.4f}."
    return arm.model_copy(update={"settings": settings, "panel": places}), note


def _outcomes(results: Sequence[ArmResult], name: str | None) -> Sequence[Outcome]:
    return next((one.outcomes for one in results if one.name == name), ())


def _panel_usd(outcome: Outcome) -> float | None:
    stages = [one for one in outcome.answer.stages if one.stage == "panel"]
    return stages[0].cost_usd if stages else None


def _mean(costs: Sequence[float | None]) -> float | None:
    known = [one for one in costs if one is not None]
    return sum(known) / len(known) if known and len(known) == len(costs) else None
