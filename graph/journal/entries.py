"""What the journal of a run holds: replies of models, results of tools, a stage's whole update."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, messages_from_dict
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_jsonable_python

from langgraph_fusion.graph.records import Call, ImageView, Switch
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.tools.exclude import Dropped
from langgraph_fusion.tools.shown_lines import Showing
from langgraph_fusion.tools.sources import Source

Json = dict[str, Any]
UPDATE = "/update"
"""Key of a node's whole update within its lane."""
SERVER = "server/"
"""Begins the key of what a tool server offers."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordedReply(_Entry):
    """One reply, or that the seat failed, and what it took to get there."""

    message: Json | None
    fault: Fault | None = None
    """Why there is none."""
    calls: tuple[Call, ...]
    """All attempts, the failed ones too."""
    switches: tuple[Switch, ...]
    """Models that were given up on the way."""
    models: tuple[str, ...]
    """The seat's models from then on, the current one first."""
    counted_usd: float
    """What the calls count towards the spend cap."""
    remembered: Json | None = None
    """What the caller had learned of the models by then."""
    images: ImageView | None = None
    """How the seat took part in a run with images."""


class RecordedCall(_Entry):
    """A failed attempt: part of the bill, also when no reply came after it."""

    call: Call
    counted_usd: float


class RecordedTool(_Entry):
    """One tool call's answer and what the member was shown by it."""

    message: Json
    sources: tuple[Source, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    """All that was kept from this member in this round so far."""
    searches: tuple[RecordedCall, ...] = ()
    """Searches that were charged by then and stand with no earlier tool call."""
    shown: tuple[Showing, ...] = ()
    """Lines of documents that it showed; unknown of runs that were recorded before these were."""


class RecordedUpdate(_Entry):
    """What a node of the graph returned."""

    update: Json
    counted_usd: float = 0.0
    """What its calls count towards the spend cap."""


class RecordedMessages(_Entry):
    """The conversation a run began with; in the place of an image's data stands its sha256."""

    messages: tuple[Json, ...]


class RecordedImage(_Entry):
    """An image's data, once, however often it is in the conversation."""

    base64: str


def message_json(message: BaseMessage) -> Json:
    """A message as plain JSON, with the metadata that usage and verdicts are read from."""
    if isinstance(message, AIMessage):  # the last chunk of a stream is one as well
        data = {name: getattr(message, name) for name in AIMessage.model_fields}
        return {"type": "ai", "data": to_jsonable_python(data, fallback=str)}
    return {"type": message.type, "data": to_jsonable_python(message.model_dump(), fallback=str)}


def read_messages(recorded: Sequence[Json]) -> list[BaseMessage]:
    """The messages again; only LangChain's own message classes are ever made.

    Raises:
        ValueError: If one is not a message.
    """
    try:
        return messages_from_dict([{**one, "data": _data(one)} for one in recorded])
    except (KeyError, TypeError) as error:
        raise ValueError("not a message") from error


def read_ai(recorded: Json) -> AIMessage:
    (message,) = read_messages([recorded])
    if not isinstance(message, AIMessage):
        raise ValueError("not a model's reply")
    return message


def read_tool(recorded: Json, tool_call_id: str) -> ToolMessage:
    """A tool's answer, under the id of the call it answers now."""
    (message,) = read_messages([recorded])
    if not isinstance(message, ToolMessage):
        raise ValueError("not a tool's answer")
    return message.model_copy(update={"tool_call_id": tool_call_id})


def is_failure(recorded: Json) -> bool:
    """Whether this says that a seat failed: a run that failed is resumed without it."""
    if "fault" in recorded:
        return recorded["fault"] is not None
    update = recorded.get("update")
    answers = update.get("answers", []) if isinstance(update, dict) else []
    return bool(answers) and not any(answer.get("text") for answer in answers)


def _data(recorded: Json) -> Json:
    return {key: value for key, value in recorded["data"].items() if key != "type"}
