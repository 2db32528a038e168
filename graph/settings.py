"""Everything a caller may vary per run, in one frozen, validated, JSON-able object.

Precedence: explicit value > preset > default. A preset is filled in below what is given, so every
interface builds its settings with `FusionSettings.model_validate({"preset": …,
**what_was_given})`. Never a key: servers copy settings into run metadata.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self, TypeGuard, get_args

from pydantic import (
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.presets import (
    DEFAULT_PRESET,
    judge_on_request,
    needs_a_judge,
    preset_values,
)
from langgraph_fusion.graph.request.client_tools import check_tools
from langgraph_fusion.graph.request.response_format import check_form
from langgraph_fusion.graph.seat import (
    MAX_SEATS,
    SEAT_LETTERS,
    ModelSeat,
    PanelSeat,
    Settings,
    ToolGroups,
    seats_from,
)
from langgraph_fusion.models.providers import ModelRef
from langgraph_fusion.sandbox.settings import SandboxSettings
from langgraph_fusion.tools.exclude import Exclusion
from langgraph_fusion.tools.search.engines import EngineName, named

Mode = Literal["synthesize", "select", "analysis", "direct"]
UnknownCost = Literal["refuse", "worst_case", "ignore"]
Length = Literal["auto", "brief", "full"]
WaysToVerify = Literal["off", "lexical", "judge"]
NO_JUDGE = "none"
"""In the place of the judge's model: there is none."""
_Rules = Annotated[tuple[Annotated[str, Field(max_length=2000)], ...], Field(fail_fast=True)]


class FusionSettings(Settings):
    """One deliberation: who sits where, with which tools, for how long and for how much."""

    preset: str = DEFAULT_PRESET
    """Fills in what is not given here; `fusion presets` lists them."""
    panel: tuple[PanelSeat, ...] = Field(min_length=1, max_length=MAX_SEATS)
    """1 to 8 seats. A string such as `"vendor/model*3"` seats one model three times."""
    judge: ModelSeat | None
    """Compares the answers; a model's name or a seat.

    With `none` the writer reads the answers directly: no analysis and no follow-ups.
    """
    synthesizer: ModelSeat
    """Writes the answer; a model's name or a seat, best not the judge's model."""
    mode: Mode = "synthesize"
    """`synthesize` an answer, `select` the best one and correct it, or only the `analysis`.

    `direct` asks no panel and no judge: the synthesizer answers the conversation alone.
    """
    length: Length = "auto"
    """Of the answer: `brief` what it takes to decide, `full` all that was found, `auto` by need."""
    revision: bool = False
    """When the draft lost what the panel found, have it revised once; streamed only after that."""
    verify: Annotated[
        Annotated[WaysToVerify, Tag("way")] | Annotated[ModelSeat, Tag("seat")],
        Discriminator(lambda value: "way" if isinstance(value, str) else "seat"),
    ] = "off"
    """Say for each citation of the answer whether the cited passage bears out the sentence.

    By the `judge`'s model, or one that is named; `lexical` compares words, without a model.
    """
    one_by_one: bool = False
    """Members work one after the other, those of one model together, and share the panel's time.

    For a local server that holds one model at a time: it loads each of them once.
    """
    panel_growth: Literal["all", "adaptive"] = "all"
    """`adaptive` asks two seats first, and the rest only on conflict or thin evidence."""
    max_rounds: int = Field(default=1, ge=0, le=3)
    """Follow-up rounds after the first answers."""
    max_follow_ups: int = Field(default=4, ge=1, le=16)
    """Follow-up questions in one round."""
    min_answers: int = Field(default=1, ge=1, le=MAX_SEATS)
    """With fewer answers in the first round the run stops with an error."""
    quorum: int | None = Field(default=None, ge=1, le=MAX_SEATS)
    """With so many answers in a round the other members have `grace_s` left; None waits for all."""
    grace_s: float = Field(default=10.0, ge=0, le=3600)
    """Seconds that late members have after the quorum, to write with what they have."""
    tools: ToolGroups | None = None
    """Tools of the panel; left out: web_search, web_fetch, bash, and docs if there is a folder.

    `mcp:SERVER` and `mcp:SERVER/TOOL` are tools of a server that the operator has configured.
    """
    max_tool_calls: int = Field(default=16, ge=0, le=100)
    """Tool calls of one member in one round; then it writes its answer without tools."""
    docs: str | None = None
    """Folder of the caller's own documents; `builtin:docs` is the documentation of this project."""
    search: tuple[EngineName, ...] = Field(default=("ddgs",), min_length=1)
    """Where web_search asks: one engine, or several of which the next takes over when one fails."""
    exclude: _Rules = Field(default=(), max_length=1000)
    """Domains and URL prefixes that no query, hit, fetch or redirect may touch."""
    allow_networks: _Rules = Field(default=(), max_length=1000)
    """Networks, such as `10.1.0.0/16`, that web_fetch may reach although they are not public."""
    require_sandbox: bool = False
    """Fail before any model call when bash cannot be had, instead of going on without it."""
    sandbox: SandboxSettings = SandboxSettings()
    """Limits of the container of each member."""
    deadline_s: float = Field(default=900.0, ge=1, le=24 * 3600)
    """Limit of the whole run in seconds; at the limit it answers with what it has."""
    budget_usd: float | None = Field(default=None, gt=0)
    """Limit of the whole run in US dollars; no call is started that might pass it."""
    unknown_cost: UnknownCost = "refuse"
    """Under `budget_usd`, a model without a listed price is refused before the run, or counts as
    the dearest listed one (`worst_case`), or as nothing (`ignore`). A call whose cost nobody knows
    counts as its worst case, with `ignore` as nothing. On the bill it is unknown either way.
    """
    client_tools: tuple[dict[str, JsonValue], ...] = Field(default=(), max_length=128)
    """The caller's own tools, as OpenAI function tools: only the synthesizer may call them."""
    tool_choice: str | dict[str, JsonValue] | None = None
    """`auto`, `none`, `required`, or `{"type": "function", "function": {"name": …}}`."""
    parallel_tool_calls: bool = True
    """False: the synthesizer calls one of the `client_tools` at a time."""
    response_format: dict[str, JsonValue] | None = None
    """OpenAI's `json_schema` or `json_object`: the form of the answer, enforced."""
    seed: int = 0
    """Fixes the order in which the judge reads the answers."""

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        preset = given.get("preset", DEFAULT_PRESET)
        filled = preset_values(preset) | dict(given)
        if "docs" not in given and given.get("tools") is not None and not _searches_docs(filled):
            filled["docs"] = None  # the preset's; the caller chose other tools
        needed = "judge" not in given and needs_a_judge(given)
        return filled | judge_on_request(preset) if needed else filled

    @field_validator("panel", mode="before")
    @classmethod
    def _expand_panel(cls, value: Any) -> Any:
        return seats_from(value)

    @field_validator("synthesizer", mode="before")
    @classmethod
    def _seat_from_name(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @field_validator("judge", mode="before")
    @classmethod
    def _judge_from_name(cls, value: Any) -> Any:
        none = isinstance(value, str) and value.strip().lower() == NO_JUDGE
        return None if none else cls._seat_from_name(value)

    @field_validator("verify", mode="before")
    @classmethod
    def _verifier_from_name(cls, value: Any) -> Any:
        if value is None or value is False:
            return "off"
        if not isinstance(value, str):
            return value
        named = value.strip()
        way = named.lower()
        return way if way in get_args(WaysToVerify) else {"model": named}

    @field_validator("search", mode="before")
    @classmethod
    def _engines_from_names(cls, value: Any) -> Any:
        return named(value)

    @field_validator("exclude")
    @classmethod
    def _rules_are_readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Exclusion(value)
        return value

    @field_validator("allow_networks")
    @classmethod
    def _networks_are_readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @field_validator("response_format")
    @classmethod
    def _form_is_usable(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            check_form(value)
        return value

    @model_validator(mode="after")
    def _the_writer_can(self) -> Self:
        check_tools(self.client_tools, self.tool_choice)
        for name in ("client_tools", "response_format"):
            if self.mode == "analysis" and getattr(self, name):
                raise ValueError(f"{name}: mode `analysis` has no writer; choose another mode")
        return self

    @model_validator(mode="after")
    def _without_a_judge(self) -> Self:
        if self.judge is not None:
            return self
        if self.mode == "analysis":
            raise ValueError("judge: mode `analysis` is the judge's; name one")
        if self.panel_growth == "adaptive":
            raise ValueError("judge: an adaptive panel needs one; name it, or seat all at once")
        return self

    @model_validator(mode="after")
    def _a_model_can_verify(self) -> Self:
        if self.verify == "judge" and self.judge is None:
            raise ValueError("verify: there is no judge; name a model, or use `lexical`")
        if self.verifier and ModelRef.parse(self.verifier.model).provider == "offline":
            raise ValueError("verify: offline programs cannot; name a model, or use `lexical`")
        return self

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.min_answers > len(self.panel):
            raise ValueError(
                f"min_answers: {self.min_answers} answers from a panel of {len(self.panel)} seats; "
                "lower it or add seats"
            )
        if self.quorum is not None and self.quorum > len(self.panel):
            raise ValueError(
                f"quorum: {self.quorum} answers from a panel of {len(self.panel)} seats; "
                "lower it or add seats"
            )
        groups = set(self.tools or ()).union(*(seat.tools or () for seat in self.panel))
        if self.docs and self.tools is not None and "docs" not in groups:
            raise ValueError(
                f"tools: a docs folder is named ({self.docs!r}) and the tool `docs` is not chosen; "
                "add it, or name no folder"
            )
        if self.require_sandbox and not any("bash" in self.tools_of(seat) for seat in self.panel):
            raise ValueError("require_sandbox: no seat has the tool `bash`; add it or drop this")
        return self

    def tools_of(self, seat: PanelSeat) -> tuple[str, ...]:
        """The tool groups of a seat: its own, else the run's, else the default."""
        for chosen in (seat.tools, self.tools):
            if chosen is not None:
                return chosen
        docs = ("docs",) if self.docs else ()
        return ("web_search", "web_fetch", *docs, "bash")

    @property
    def tool_groups(self) -> tuple[str, ...]:
        """All that any member may call, each once."""
        return tuple(dict.fromkeys(one for seat in self.members for one in self.tools_of(seat)))

    def max_calls_of(self, seat: PanelSeat) -> int:
        """How often a seat may call tools in one round: its own number, else the run's."""
        return self.max_tool_calls if seat.max_tool_calls is None else seat.max_tool_calls

    def changed(self, **changes: Any) -> "FusionSettings":
        """Validate these settings with some fields replaced (`model_copy` would not validate)."""
        values = self.model_dump() | changes
        if self.judge is None and "judge" not in changes and needs_a_judge(changes):
            values |= judge_on_request(values["preset"])
        return load_settings(values)

    @property
    def letters(self) -> str:
        """One letter a seat, in panel order."""
        return SEAT_LETTERS[: len(self.panel)]

    def seat(self, letter: str) -> PanelSeat:
        return self.panel[SEAT_LETTERS.index(letter)]

    @property
    def members(self) -> tuple[PanelSeat, ...]:
        """The seats that are asked: in mode `direct` none."""
        return () if self.mode == "direct" else self.panel

    @property
    def verifier(self) -> ModelSeat | None:
        """The seat that checks citations; None if no model does."""
        return self.judge if self.verify == "judge" else _seat_or_none(self.verify)

    @property
    def revises(self) -> bool:
        """Whether drafts are compared with the panel's work: not JSON, not a client's tool turn."""
        apart = self.mode != "synthesize" or self.response_format or self.client_tools
        return self.revision and not apart

    @property
    def verifies(self) -> bool:
        """Whether the citations of the answer are checked: JSON and lone writers have none."""
        asked = self.verify != "off" and not self.response_format
        return asked and self.mode in ("synthesize", "select")

    @property
    def all_seats(self) -> tuple[ModelSeat, ...]:
        """Every seat that a run may call."""
        if not self.members:
            return (self.synthesizer,)
        judge = () if self.judge is None else (self.judge,)
        verifier = _seat_or_none(self.verify)
        checks = (verifier,) if verifier and self.verifies else ()
        return (*self.members, *judge, self.synthesizer, *checks)


def _searches_docs(filled: Mapping[str, Any]) -> bool:
    """Whether the run or a seat is given the tool `docs`, in settings that are not yet checked."""
    panel = filled.get("panel")
    seats = panel if _is_list(panel) else ()
    own = (dict(one).get("tools") for one in seats if isinstance(one, Mapping | PanelSeat))
    return any("docs" in tools for tools in (filled.get("tools"), *own) if _is_list(tools))


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _seat_or_none(value: WaysToVerify | ModelSeat) -> ModelSeat | None:
    return value if isinstance(value, ModelSeat) else None


def load_settings(given: Mapping[str, Any] | None = None) -> FusionSettings:
    """Validate settings from any interface.

    Raises:
        ConfigError: Naming each wrong field and the way out.
    """
    try:
        return FusionSettings.model_validate(dict(given or {}))
    except ValidationError as error:
        raise ConfigError.from_validation(
            error, FusionSettings.model_fields, ModelSeat.model_fields
        ) from None
