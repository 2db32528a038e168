"""A seat of a run: a model and how to call it, on the panel also with which tools."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import to_json

from langgraph_fusion.models.providers import ModelRef, ReasoningEffort
from langgraph_fusion.models.redirecting import redirecting
from langgraph_fusion.tools.mcp.settings import GROUP, split_entry

ToolGroup = Literal["web_search", "web_fetch", "docs", "bash"]
_OWN, _SERVED = "own", "server"

SEAT_LETTERS = "ABCDEFGH"
MAX_SEATS = len(SEAT_LETTERS)
"""The hosted product's limit as well: 1 to 8 models (OpenRouter's `FusionPlugin` schema)."""

MAX_FALLBACKS = 8
MAX_EXTRA = 16_384
"""Characters of JSON: every call of the seat sends them."""

ModelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


def _served(value: str) -> str:
    split_entry(value)
    return value


ServedTools = Annotated[str, StringConstraints(max_length=200), AfterValidator(_served)]
"""`mcp:SERVER`, or `mcp:SERVER/TOOL`: tools of a server that the operator has configured."""
AnyTools = Annotated[
    Annotated[ToolGroup, Tag(_OWN)] | Annotated[ServedTools, Tag(_SERVED)],
    Discriminator(lambda value: _SERVED if str(value).startswith(GROUP) else _OWN),
]
ToolGroups = Annotated[tuple[AnyTools, ...], Field(max_length=32, fail_fast=True)]


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ModelSeat(Settings):
    """A model and how to call it: a seat of the judge, of the synthesizer, or on the panel."""

    model: ModelName
    """`provider:model`; `openrouter` is the default provider."""
    fallbacks: Annotated[tuple[ModelName, ...], Field(fail_fast=True)] = Field(
        default=(), max_length=MAX_FALLBACKS
    )
    """Models that take over, in this order, on refusal, outage, missing credit or unknown model."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """How freely it writes; left out, the provider's own."""
    reasoning_effort: ReasoningEffort | None = None
    """How long a reasoning model thinks; left out, the provider's own."""
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """Output limit of one call, reasoning tokens included."""
    timeout_s: float = Field(default=180.0, gt=0, le=3600)
    """Seconds without a word from the model after which a call is given up. A reply that keeps
    coming may take as long as its stage has time."""
    hedge_s: float | None = Field(default=None, gt=0, le=3600)
    """Seconds after which a call that has not begun to answer is given to the next model as well;
    whichever begins first is kept. Needs a fallback, and costs both calls."""
    sees_images: bool | None = None
    """Whether its models read images; left out, what their provider's list says of each."""
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    """Further fields of the request body, for example OpenRouter's `provider` preferences."""

    @field_validator("model", "fallbacks")
    @classmethod
    def _readable(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for name in (value,) if isinstance(value, str) else value:
            ModelRef.parse(name)
        return value

    @field_validator("extra")
    @classmethod
    def _is_short(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if value and len(to_json(value)) > MAX_EXTRA:
            raise ValueError(f"it has more than {MAX_EXTRA} characters")
        return value

    @model_validator(mode="after")
    def _fallbacks_differ(self) -> Self:
        if len({self.model, *self.fallbacks}) <= len(self.fallbacks):
            raise ValueError("fallbacks: the same model stands twice; name each model once")
        if self.hedge_s is not None and not self.fallbacks:
            raise ValueError("hedge_s: there is no model to ask as well; name one in fallbacks")
        return self

    @model_validator(mode="after")
    def _keys_stay_where_they_belong(self) -> Self:
        for ref in self.models if self.extra else ():
            if names := redirecting(ref, self.extra):
                raise ValueError(
                    f"extra: {', '.join(names)} could send the key of {ref.provider} elsewhere; "
                    "addresses and keys are taken from environment variables alone"
                )
        return self

    @property
    def models(self) -> tuple[ModelRef, ...]:
        """The seat's model, then its fallbacks."""
        return tuple(ModelRef.parse(name) for name in (self.model, *self.fallbacks))


class PanelSeat(ModelSeat):
    """A place on the panel."""

    tools: ToolGroups | None = None
    """Tools of this seat; left out, those of the run."""
    max_tool_calls: int | None = Field(default=None, ge=0, le=100)
    """Tool budget of this seat for one round; left out, that of the run."""
    instructions: str = Field(default="", max_length=8000)
    """Added to this member's system prompt."""


def seats_from(given: Any) -> tuple[Any, ...]:
    """The seats of a list whose items may be names and may stand for several seats.

    Raises:
        ValueError: If it is no list, or an item no seat.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError('give a list of seats, for example ["vendor/model*3"]')
    first = islice(given, MAX_SEATS + 1)  # one too many is refused, of a million one is enough
    return tuple(seat for item in first for seat in _seats(item))


def _seats(item: Any) -> list[Any]:
    """`"a/b*3"`, or a mapping whose model is so written, as three seats."""
    seat = {"model": item} if isinstance(item, str) else item
    name = seat.get("model") if isinstance(seat, Mapping) else None
    if not isinstance(name, str) or "*" not in name:
        return [seat]
    model, _, times = name.rpartition("*")
    if not times.strip().isdigit() or not 1 <= int(times) <= MAX_SEATS:
        raise ValueError(f"{name!r}: write the number of seats as 1 to {MAX_SEATS} after the `*`")
    return [{**seat, "model": model.strip()}] * int(times)
