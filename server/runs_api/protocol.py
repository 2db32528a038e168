"""What `/v1/runs` takes and gives: a run as JSON, and what may be asked of one under way."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from langgraph_fusion.graph.journal.detached_runs import Head
from langgraph_fusion.graph.journal.run_record import beginning_of
from langgraph_fusion.graph.request.conversation import question_at
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.runs.run_request import RunRequest

Json = dict[str, Any]


class Steering(BaseModel):
    """What a client asks of a run that is under way."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    action: Literal["answer_now", "stop_member", "follow_up", "raise_budget"]
    """answer_now: members write with what they have, then judge and writer follow. stop_member:
    one member writes now. follow_up: one more round with a question of the client's own.
    raise_budget: a higher spend cap."""
    seat: str | None = Field(default=None, max_length=1)
    """stop_member: the member's letter."""
    question: str | None = Field(default=None, max_length=4000)
    """follow_up: what to look up."""
    seats: list[str] | None = Field(default=None, max_length=8)
    """follow_up: letters of the members to ask; by default all."""
    budget_usd: float | None = Field(default=None, gt=0)
    """raise_budget: the new cap, in US dollars."""


def run_json(head: Head) -> Json:
    shown = head.model_dump(
        include={"id", "preset", "model", "question", "seconds", "cost_usd", "error", "last_event"}
    )
    return shown | {"object": "run", "status": head.now, "created_at": int(head.created_at)}


def question_of(request: RunRequest) -> str:
    at = question_at(request.messages)
    return "" if at is None else beginning_of(request.messages[at].text)


def saved_as(head: Head, ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="run-{head.id}.{ending}"'}


def conflict(message: str) -> ApiError:
    return ApiError(409, message, code="run_state", param="run_id")
