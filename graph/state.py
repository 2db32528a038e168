"""The graph's channels; JSON-able values, so that any checkpointer keeps them as they are."""

from operator import add
from typing import Annotated, Any, NotRequired

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

Json = dict[str, Any]


def merge(old: Json, new: Json) -> Json:
    """Keep both; on the same key the newer."""
    return {**old, **new}


def union(old: list[str], new: list[str]) -> list[str]:
    """Keep each text once, in order of arrival."""
    return list(dict.fromkeys([*old, *new]))


class FusionInput(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


class FusionOutput(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    fusion: NotRequired[Json]
    """The `FusionResult` as JSON."""


class FusionState(FusionInput):
    fusion: Json
    question: str
    """The last user message."""
    conversation: str
    """Earlier turns as text; empty when there are none."""
    seating: list[str]
    """Letters of the seats that are asked for their first answer in this step."""
    describing: bool
    """Whether a description of the images is made beside the first answers."""
    growth: Json | None
    """`PanelGrowth` of an adaptive panel, once it is decided."""
    round: int
    """0 is the first round, 1 the first follow-up round."""
    asked: list[Json]
    """`AskedFollowUp`s of the current round; empty in the first."""
    follow_ups: Annotated[list[Json], add]
    answers: Annotated[list[Json], add]
    """`MemberAnswer`s of all rounds."""
    analysis: Json | None
    judged_by: str | None
    ended: str | None
    """Why no further follow-up round was asked; None while one is under way."""
    sources: Annotated[dict[str, Json], merge]
    """`Source`s by id."""
    dropped: Annotated[list[Json], add]
    bill: Annotated[list[Json], add]
    """`Call`s."""
    degraded: Annotated[list[str], union]
    notes: Annotated[list[str], union]
    image_views: Annotated[Json, merge]
    """`ImageView` by seat, in a run with images."""
    image_description: Annotated[Json, merge]
    """`ImageDescription`, once there is one; else empty."""
    draft: str
    tool_calls: list[Json]
    """Calls of the caller's own tools: id, name, args."""
    written_by: str | None
    revision: Json | None
    """`Revision` of the draft, once it is checked."""
    verification: Json | None
    """`Verification` of the citations, if it is asked for."""
