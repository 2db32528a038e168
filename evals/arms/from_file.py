"""A TOML file of arms.

    [settings]                      # of every arm, as in a preset; `preset` may be one of them
    max_tool_calls = 16

    [members]                       # each is run once a task and shared by all arms
    opus = "anthropic/claude-opus-4.8"
    gpt = { model = "openai/gpt-5.5", reasoning_effort = "high" }

    [arms.pair]                     # a panel
    members = ["opus", "gpt"]       # one that is named twice is sampled twice
    judge = "google/gemini-3.1-pro-preview"
    synthesizer = "anthropic/claude-opus-4.8"

    [arms.unjudged]                 # a variant of another arm
    of = "pair"
    kind = "no_judge"

    [arms.shorter]
    of = "pair"
    kind = "prompts"
    prompts = "prompts/shorter"     # a folder beside this file

Every member also is an arm of its own, and every panel of several members gets its best member.
Kinds: no_judge, judge_picks, concat, no_follow_ups, placebo, writer_swap, prompts, equal_spend,
judge_solo, self_fusion (with `member` and `samples`). Other fields of an arm are settings.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from langgraph_fusion.evals.arms.from_settings import solos, variant
from langgraph_fusion.evals.arms.spec import ArmSpec, MemberSpec, places
from langgraph_fusion.evals.records import ArmKind
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.seat import PanelSeat
from langgraph_fusion.graph.settings import load_settings

_PARTS = {"settings", "members", "arms"}
_OF_A_VARIANT = {"of", "kind", "prompts", "members"}


def shipped_arms(name: str) -> Path | None:
    """The shipped file of arms with this name, if there is one."""
    shipped = {path.stem: path for path in Path(__file__).parent.glob("*.toml")}
    return shipped.get(name)


def read_arms(path: Path) -> tuple[dict[str, MemberSpec], list[ArmSpec]]:
    """The members and arms of a file.

    Raises:
        ConfigError: Naming what is wrong and where.
    """
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    try:
        return _arms(given, path.parent)
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _arms(given: Mapping[str, Any], folder: Path) -> tuple[dict[str, MemberSpec], list[ArmSpec]]:
    if unknown := sorted(given.keys() - _PARTS):
        raise ConfigError(f"[{unknown[0]}] is none of settings, members and arms")
    shared = dict(given.get("settings", {}))
    members = {name: _member(name, seat) for name, seat in given.get("members", {}).items()}
    tables = given.get("arms", {})
    if not members or not isinstance(tables, Mapping):
        raise ConfigError("it names no [members]")
    arms: dict[str, ArmSpec] = {}
    for name, table in tables.items():
        if "of" not in table:
            arms[name] = _panel(name, table, members, shared)
    for name, table in tables.items():
        if "of" in table:
            arms[name] = _variant(name, table, arms, members, folder)
    ordered = [arms[name] for name in tables]
    basis = ordered[0].settings if ordered else load_settings(_seated(shared, members))
    return members, [*solos(members, basis), *_oracles(ordered), *ordered]


def _member(name: str, given: Any) -> MemberSpec:
    seat = {"model": given} if isinstance(given, str) else given
    return MemberSpec(name=name, seat=PanelSeat.model_validate(seat))


def _seated(shared: Mapping[str, Any], members: Mapping[str, MemberSpec]) -> dict[str, Any]:
    return {**shared, "panel": [next(iter(members.values())).seat.model_dump()]}


def _panel(
    name: str, table: Mapping[str, Any], members: Mapping[str, MemberSpec], shared: dict[str, Any]
) -> ArmSpec:
    named = table.get("members")
    if not isinstance(named, list) or not named:
        raise ConfigError(f"arm {name}: name its `members`, or the arm it is a variant `of`")
    if unknown := [one for one in named if one not in members]:
        raise ConfigError(f"arm {name}: {unknown[0]!r} is none of {', '.join(members)}")
    own = {key: value for key, value in table.items() if key not in _OF_A_VARIANT}
    panel = [members[one].seat.model_dump() for one in named]
    settings = load_settings({**shared, **own, "panel": panel})
    kind: ArmKind = "no_judge" if settings.judge is None else "panel"
    if table.get("kind", kind) not in (kind, "self_fusion"):
        raise ConfigError(f"arm {name}: kind {table['kind']!r} is a variant `of` another arm")
    if len(set(named)) == 1 and len(named) > 1:
        kind = "self_fusion"
    return ArmSpec(name=name, kind=kind, panel=places(tuple(named)), settings=settings)


def _variant(
    name: str,
    table: Mapping[str, Any],
    arms: Mapping[str, ArmSpec],
    members: dict[str, MemberSpec],
    folder: Path,
) -> ArmSpec:
    base, kind = arms.get(table["of"]), table.get("kind")
    if base is None:
        raise ConfigError(f"arm {name}: there is no arm {table['of']!r} above it")
    if (
        kind is None
        or kind not in get_args(ArmKind)
        or kind in ("solo", "oracle", "panel", "recorded")
    ):
        raise ConfigError(f"arm {name}: {kind!r} is no kind of a variant")
    prompts = table.get("prompts")
    given = {key: value for key, value in table.items() if key not in _OF_A_VARIANT}
    return variant(base, kind, name, members, given, folder / prompts if prompts else None)


def _oracles(arms: list[ArmSpec]) -> list[ArmSpec]:
    """The best member of each panel, once for each set of members."""
    found: dict[frozenset[str], ArmSpec] = {}
    for arm in arms:
        if len(arm.members) > 1:
            name = f"best of {' + '.join(arm.members)}"
            oracle = ArmSpec(
                name=name, kind="oracle", panel=arm.panel, settings=arm.settings, of=arm.name
            )
            found.setdefault(frozenset(arm.members), oracle)
    return list(found.values())
