"""The hosted product's own request shapes: the `fusion` plugin and the `openrouter:fusion` tool.

Names, types and ranges are those of OpenRouter's `FusionPlugin` and `FusionServerToolConfig`
schemas. Its guide lists `reasoning`, `temperature` and `max_completion_tokens` for both forms and
its plugin schema does not, so both forms take all of them here.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, model_validator

from langgraph_fusion.graph.seat import ToolGroup
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.providers import ReasoningEffort

PRESETS = {"general-high": "quality", "general-budget": "budget", "general-fast": "fast"}
"""The hosted product's presets, and ours that stand for them."""
GROUPS: dict[str, ToolGroup] = {
    "openrouter:web_search": "web_search",
    "openrouter:web_fetch": "web_fetch",
    "openrouter:shell": "bash",
}
OTHER_PLUGINS = frozenset({
    "auto-router", "context-compression", "file-parser", "moderation", "pareto-router",
    "response-healing", "web", "web-fetch",
})  # fmt: skip
"""Plugins of the hosted product that have no meaning here and do no harm."""


_Model = Annotated[str, Field(min_length=1, max_length=300)]


class _Hosted(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Reasoning(BaseModel):
    """How much the models think; further members of OpenRouter's object are ignored."""

    model_config = ConfigDict(extra="ignore")

    effort: ReasoningEffort | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000_000)


class CacheControl(_Hosted):
    """Anthropic's cache directive, passed on to the panel and the judge."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class InnerTool(_Hosted):
    """A tool of the panel: `openrouter:web_search`, `openrouter:web_fetch` or `openrouter:shell`.

    Of its parameters `excluded_domains` and `blocked_domains` are honoured, for all tools of the
    run; limits and engines are ignored; `allowed_domains` and a container reference are refused.
    """

    type: Literal["openrouter:web_search", "openrouter:web_fetch", "openrouter:shell"]
    parameters: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_honoured(self) -> "InnerTool":
        if self.parameters.get("allowed_domains"):
            raise ValueError("allowed_domains is not supported; use excluded_domains")
        environment = self.parameters.get("environment")
        if isinstance(environment, dict) and environment.get("type") == "container_reference":
            raise ValueError("every member has a container of its own; use container_auto")
        return self

    @property
    def excluded(self) -> list[str]:
        """The sites that this tool must not touch."""
        names = ("excluded_domains", "blocked_domains")
        lists = [self.parameters.get(name) for name in names]
        return [str(site) for found in lists if isinstance(found, list) for site in found]


class FusionParameters(_Hosted):
    """What both forms of the hosted product take."""

    analysis_models: list[_Model] | None = Field(default=None, min_length=1, max_length=8)
    """The panel; the same model twice is allowed."""
    model: _Model | None = None
    """The judge; with the alias it also writes the answer. Left out, the outer model."""
    max_tool_calls: int | None = Field(default=None, ge=1, le=16)
    """Tool calls of one member in one round."""
    max_completion_tokens: int | None = Field(default=None, ge=16, le=1_000_000_000)
    """Output limit of one call of the panel and the judge, reasoning tokens included."""
    reasoning: Reasoning | None = None
    """For the panel and the judge."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """For the panel only."""
    tools: list[InnerTool] | None = Field(default=None, max_length=8)
    """Tools of the panel; an empty list is none, left out those of the preset."""
    cache_control: CacheControl | None = None


class FusionPlugin(FusionParameters):
    """`plugins: [{"id": "fusion", …}]`."""

    id: Literal["fusion"]
    enabled: bool = True
    """`false` answers this request without a panel."""
    preset: Literal["general-high", "general-budget", "general-fast"] | None = None


class OtherPlugin(BaseModel):
    """Another plugin of the hosted product: accepted and ignored."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(json_schema_extra={"enum": [*sorted(OTHER_PLUGINS)]})

    @model_validator(mode="after")
    def _is_known(self) -> "OtherPlugin":
        if self.id not in OTHER_PLUGINS:
            raise ValueError(f"there is no plugin {self.id!r}; this server has `fusion`")
        return self


class FusionTool(_Hosted):
    """`tools: [{"type": "openrouter:fusion", "parameters": {…}}]`."""

    type: Literal["openrouter:fusion"]
    parameters: FusionParameters = Field(default_factory=FusionParameters)


class ReferenceToFusion(_Hosted):
    """`tool_choice: {"type": "openrouter:fusion"}`."""

    type: Literal["openrouter:fusion"]


def _which_plugin(value: Any) -> str:
    id = value.get("id") if isinstance(value, Mapping) else getattr(value, "id", None)
    return "as:fusion" if id == "fusion" else "as:other"


Plugin = Annotated[
    Annotated[FusionPlugin, Tag("as:fusion")] | Annotated[OtherPlugin, Tag("as:other")],
    Discriminator(_which_plugin),
]


def run_fields(given: FusionParameters, docs: str | None) -> dict[str, Any]:
    """The settings of the whole run that the hosted form names; `docs` is the preset's folder."""
    fields: dict[str, Any] = {}
    if given.max_tool_calls is not None:
        fields["max_tool_calls"] = given.max_tool_calls
    if given.tools is not None:
        groups = list(dict.fromkeys(GROUPS[tool.type] for tool in given.tools))
        fields["tools"] = [*groups, "docs"] if docs and groups else groups
        fields["docs"] = docs if groups else None
        fields["exclude"] = [site for tool in given.tools for site in tool.excluded]
    return fields


def with_inner_calls(
    settings: FusionSettings, given: FusionParameters, chosen: Iterable[str]
) -> FusionSettings:
    """The settings with the hosted form's model parameters in the seats of panel and judge.

    A field that the client `chosen` in our own form keeps what it says there.
    """
    inner = _inner(given)
    panel = inner | ({} if given.temperature is None else {"temperature": given.temperature})
    changes: dict[str, Any] = {}
    if panel and "panel" not in chosen:
        changes["panel"] = [_changed(seat.model_dump(), panel) for seat in settings.panel]
    if inner and settings.judge and "judge" not in chosen:
        changes["judge"] = _changed(settings.judge.model_dump(), inner)
    return settings.changed(**changes) if changes else settings


def _inner(given: FusionParameters) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    if given.max_completion_tokens is not None:
        fields["max_tokens"] = given.max_completion_tokens
    if given.reasoning and given.reasoning.effort:
        fields["reasoning_effort"] = given.reasoning.effort
    if given.reasoning and given.reasoning.max_tokens:
        extra["reasoning"] = given.reasoning.model_dump(exclude_none=True)
    if given.cache_control:
        extra["cache_control"] = given.cache_control.model_dump(exclude_none=True)
    return fields | ({"extra": extra} if extra else {})


def _changed(seat: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {**seat, **changes, "extra": {**seat["extra"], **changes.get("extra", {})}}
