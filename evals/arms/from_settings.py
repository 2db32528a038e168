"""The arms of one configuration: its members solo, the best of them, the panel, and ablations."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langgraph_fusion.evals.arms.spec import ArmSpec, MemberSpec, Place, places
from langgraph_fusion.evals.limits import BY_HAND_S
from langgraph_fusion.evals.records import ArmKind
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.prompts import prompt_texts
from langgraph_fusion.graph.seat import MAX_SEATS, ModelSeat, PanelSeat
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.providers import ModelRef

ABLATIONS: Mapping[ArmKind, str] = {
    "no_judge": "no judge",
    "judge_picks": "judge picks",
    "concat": "concatenation",
    "no_follow_ups": "no follow-ups",
    "placebo": "placebo analysis",
    "self_fusion": "self-fusion",
    "equal_spend": "equal spend",
    "judge_solo": "solo judge",
}
"""What `--ablate` adds to a panel, and what each is called."""


def patient(settings: FusionSettings) -> FusionSettings:
    """The same settings with an hour for every reply, and a day for the whole run."""
    judge = _slow(settings.judge) if settings.judge else "none"
    return settings.changed(
        panel=[_slow(seat) for seat in settings.panel],
        judge=judge,
        synthesizer=_slow(settings.synthesizer),
        deadline_s=24 * 3600,
    )


def all_patient(
    members: Mapping[str, MemberSpec], arms: Sequence[ArmSpec]
) -> tuple[dict[str, MemberSpec], list[ArmSpec]]:
    """The same members and arms, all of them patient."""
    seats = {name: PanelSeat.model_validate(_slow(one.seat)) for name, one in members.items()}
    return (
        {name: MemberSpec(name=name, seat=seat) for name, seat in seats.items()},
        [arm.model_copy(update={"settings": patient(arm.settings)}) for arm in arms],
    )


def _slow(seat: ModelSeat) -> dict[str, Any]:
    return seat.model_dump() | {"timeout_s": BY_HAND_S}


def chosen_ablations(named: Sequence[str], settings: FusionSettings) -> list[ArmKind]:
    """The kinds of ablation that were named; `all` is every one that the panel allows.

    Raises:
        ConfigError: If there is no such kind.
    """
    if "all" in named:
        without = ("self_fusion", "concat")
        return [kind for kind in ABLATIONS if settings.judge is not None or kind in without]
    found = {kind: kind for kind in ABLATIONS}
    if unknown := [one for one in named if one not in found]:
        raise ConfigError(f"there is no ablation {unknown[0]!r}; choose all, {', '.join(found)}")
    return [kind for kind in ABLATIONS if kind in named]


def arms_of(
    settings: FusionSettings,
    *,
    ablate: Sequence[ArmKind] = (),
    writers: Sequence[str] = (),
    prompts: Sequence[Path] = (),
) -> tuple[dict[str, MemberSpec], list[ArmSpec]]:
    """The members and arms of a configuration; `writers` and `prompts` are variants of its panel.

    Raises:
        ConfigError: If an ablation cannot be made of it.
    """
    members, panel = members_of(settings.panel)
    arms = [*solos(members, settings), *_panel_arms(settings, panel)]
    base = arms[-1]
    arms += [variant(base, kind, ABLATIONS[kind], members) for kind in ablate]
    for writer in writers:
        given = {"synthesizer": writer}
        arms.append(variant(base, "writer_swap", f"writer {writer}", members, given))
    arms += [
        variant(base, "prompts", f"prompts {one.name}", members, prompts=one) for one in prompts
    ]
    return members, arms


def members_of(panel: Sequence[PanelSeat]) -> tuple[dict[str, MemberSpec], tuple[Place, ...]]:
    """The different members of a panel by name, and its seats."""
    found: dict[str, MemberSpec] = {}
    seated = []
    for seat in panel:
        known = next((one.name for one in found.values() if one.seat == seat), None)
        if known is None:
            known = _free_name(seat, found)
            found[known] = MemberSpec(name=known, seat=seat)
        seated.append(known)
    return found, places(tuple(seated))


def solos(members: Mapping[str, MemberSpec], settings: FusionSettings) -> Iterator[ArmSpec]:
    """Each member alone."""
    for one in members.values():
        yield ArmSpec(
            name=f"solo {one.name}",
            kind="solo",
            panel=(Place(member=one.name),),
            settings=solo_settings(one.seat, settings),
        )


def solo_settings(seat: PanelSeat, settings: FusionSettings) -> FusionSettings:
    """A run of one seat whose answer is taken as it is: no judge and no writer is called."""
    changes: dict[str, Any] = {
        "panel": [seat.model_dump()], "judge": "none", "mode": "select", "min_answers": 1,
        "quorum": None, "panel_growth": "all", "max_rounds": 0, "budget_usd": None,
        "verify": "off", "revision": False,
    }  # fmt: skip
    return settings.changed(**changes)


def _panel_arms(settings: FusionSettings, panel: tuple[Place, ...]) -> Iterator[ArmSpec]:
    if len({place.member for place in panel}) > 1:
        yield ArmSpec(name="best member", kind="oracle", panel=panel, settings=settings, of="panel")
    kind: ArmKind = "no_judge" if settings.judge is None else "panel"
    yield ArmSpec(name="panel", kind=kind, panel=panel, settings=settings)


def variant(
    base: ArmSpec,
    kind: ArmKind,
    name: str,
    members: dict[str, MemberSpec],
    given: Mapping[str, Any] | None = None,
    prompts: Path | None = None,
) -> ArmSpec:
    """A variant of a panel arm; may add the judge's model to the members.

    Raises:
        ConfigError: If it cannot be made of this arm.
    """
    if base.settings.judge is None and kind not in (
        "self_fusion",
        "writer_swap",
        "prompts",
        "concat",
    ):
        raise ConfigError(f"arm {name}: {base.name!r} has no judge to be varied")
    if prompts is not None:
        prompt_texts(prompts)  # a folder that holds none is refused before anything is paid
    settings, panel = base.settings, base.panel
    if kind == "no_judge":
        settings = _without_judge(settings)
    elif kind == "no_follow_ups":
        settings = settings.changed(max_rounds=0)
    elif kind == "judge_solo":
        return _judge_alone(base, name, members)
    elif kind in ("self_fusion", "equal_spend"):
        member = str((given or {}).get("member", base.members[0]))
        samples = int((given or {}).get("samples", len(panel)))
        settings, panel = self_fusion(base, members[member], samples)
    elif given:
        settings = settings.changed(**given)
    return ArmSpec(
        name=name, kind=kind, panel=panel, settings=settings, prompts=prompts, of=base.name
    )


def _without_judge(settings: FusionSettings) -> FusionSettings:
    """Nobody compares; what else the judge's model does it goes on doing."""
    assert settings.judge is not None
    verify = settings.judge.model if settings.verify == "judge" else settings.verify
    return settings.changed(judge="none", panel_growth="all", verify=verify)


def self_fusion(
    base: ArmSpec, member: MemberSpec, samples: int
) -> tuple[FusionSettings, tuple[Place, ...]]:
    """One member in all seats, judged and written as the arm is."""
    if not 1 <= samples <= MAX_SEATS:
        raise ConfigError(f"{samples} samples: a panel has 1 to {MAX_SEATS} seats")
    least = min(base.settings.min_answers, samples)
    settings = base.settings.changed(
        panel=[member.seat.model_dump()] * samples, min_answers=least, quorum=None
    )
    return settings, places((member.name,) * samples)


def _judge_alone(base: ArmSpec, name: str, members: dict[str, MemberSpec]) -> ArmSpec:
    judge = base.settings.judge
    assert judge is not None
    seat = PanelSeat.model_validate(judge.model_dump())
    known = next((one for one in members.values() if one.seat == seat), None)
    if known is None:
        known = MemberSpec(name=_free_name(seat, members), seat=seat)
        members[known.name] = known
    place = Place(member=known.name)
    settings = solo_settings(seat, base.settings)
    return ArmSpec(name=name, kind="judge_solo", panel=(place,), settings=settings, of=base.name)


def _free_name(seat: PanelSeat, taken: Mapping[str, MemberSpec]) -> str:
    """The model's name without its vendor, with a number where that is taken."""
    plain = ModelRef.parse(seat.model).name.rsplit("/", 1)[-1]
    numbers = (f"{plain} {number}" for number in range(2, len(taken) + 3))
    return next(name for name in (plain, *numbers) if name not in taken)
