"""An arm, ready to run: its kind, the members it is made of, and its whole settings."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.evals.records import ArmKind
from langgraph_fusion.graph.seat import PanelSeat
from langgraph_fusion.graph.settings import FusionSettings

DERIVED: frozenset[ArmKind] = frozenset({"oracle", "judge_picks", "concat"})
"""Kinds that make no model call of a writer."""


class MemberSpec(BaseModel):
    """A member whose runs all arms share, sampled once or several times."""

    model_config = ConfigDict(frozen=True)

    name: str
    seat: PanelSeat


class Place(BaseModel):
    """A seat of an arm's panel: a member, and which of its samples."""

    model_config = ConfigDict(frozen=True)

    member: str
    sample: int = 0


class ArmSpec(BaseModel):
    """One arm of an evaluation."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: ArmKind
    panel: tuple[Place, ...]
    """Whose runs it is made of, in the order of the seats."""
    settings: FusionSettings
    """Of the whole deliberation; of a solo arm with its one seat."""
    prompts: Path | None = None
    """Folder of prompts in the place of the shipped ones."""
    of: str | None = None
    """Name of the arm that this one is a variant of."""

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the different members, in order."""
        return tuple(dict.fromkeys(place.member for place in self.panel))


def places(members: tuple[str, ...]) -> tuple[Place, ...]:
    """Seats for these members; one that is named again sits there with its next sample."""
    return tuple(
        Place(member=name, sample=members[:number].count(name))
        for number, name in enumerate(members)
    )
