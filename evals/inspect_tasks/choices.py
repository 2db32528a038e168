"""Which arm, which protocol and which file the arguments of an Inspect task mean."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langgraph_fusion.evals.arms.from_settings import ABLATIONS, arms_of
from langgraph_fusion.evals.arms.spec import ArmSpec, MemberSpec, Place
from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.datasets.load import load_dataset
from langgraph_fusion.evals.protocols.protocol import Protocol
from langgraph_fusion.evals.protocols.published import DEFAULT_OF, protocol_named
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.settings import load_settings

_DERIVED = ("oracle", "equal_spend")
"""Kinds that follow from other arms' scores, which a run of one arm does not have."""


def dataset_named(name: str, data: str | None) -> DataSet:
    """A pinned set, or a file of one's own."""
    return load_dataset(name, Path(data) if data else None)


def arm_named(
    name: str, settings: Mapping[str, Any] | None
) -> tuple[dict[str, MemberSpec], ArmSpec]:
    """One arm of a configuration, by the name that `fusion eval run` gives it.

    Raises:
        ConfigError: If there is none of that name.
    """
    given = load_settings(dict(settings or {}))
    kinds = [kind for kind, known in ABLATIONS.items() if known == name and kind not in _DERIVED]
    members, arms = arms_of(given, ablate=kinds)
    found = {arm.name: arm for arm in arms if arm.kind not in _DERIVED}
    if name not in found:
        known = [*found, *(one for kind, one in ABLATIONS.items() if kind not in _DERIVED)]
        raise ConfigError(f"there is no arm {name!r}; choose one of {', '.join(known)}")
    return members, found[name]


def another_sample(arm: ArmSpec, epoch: int) -> ArmSpec:
    """The same arm over further samples of its members: what an epoch of Inspect repeats."""
    seats = len(arm.panel)
    panel = tuple(
        Place(member=one.member, sample=one.sample + (epoch - 1) * seats) for one in arm.panel
    )
    return arm.model_copy(update={"panel": panel})


def protocol_for(data: DataSet, name: str | None, passes: int | None) -> Protocol:
    """The named protocol, else the set's own."""
    return protocol_named(name or DEFAULT_OF.get(data.name, "cheap")).with_passes(passes)
