"""Background responses of a dead server, which another one goes on with.

What a client was sent stays as it was: of the events only the last is sent, with the whole output.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from langchain_core.messages import AnyMessage, SystemMessage

from langgraph_fusion.graph.journal.detached_runs import Head
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.server.openai.responses_events import ResponseEvents
from langgraph_fusion.server.openai.responses_reply import ResponseReply
from langgraph_fusion.server.openai.stored_responses import Thread
from langgraph_fusion.server.runs.detached_run import Translate
from langgraph_fusion.server.runs.event_log import last_number
from langgraph_fusion.server.runs.managed_run import ManagedRun
from langgraph_fusion.server.runs.run_request import RunRequest

Json = dict[str, Any]
_FIELDS = (
    "requested", "model", "details", "progress", "hosted", "fusion_item", "usage_of", "notes",
)  # fmt: skip
_LAST = ("response.completed", "response.incomplete", "response.failed", "error")


def to_go_on(request: RunRequest, reply: ResponseReply) -> Json:
    """What a server has to know to reply as this one would, as JSON."""
    return {name: getattr(request, name) for name in _FIELDS} | {
        "metadata": reply.metadata,
        "instructions": reply.instructions,
    }


def taken_up(head: Head, request: RunRequest, store: RunRepository) -> tuple[RunRequest, Translate]:
    """The request of a response, and what makes the events of its API."""
    known = dict(head.reply or {})
    metadata, instructions = known.pop("metadata"), known.pop("instructions")
    request = replace(request, **known | {"notes": tuple(known["notes"])})
    turns = _without(instructions, request.messages)
    events = ResponseEvents(request, dict(head.response or {}), metadata=metadata)
    reply = ResponseReply(events, Thread(instructions, turns, head.client, store), None)

    async def translate(run: ManagedRun) -> AsyncGenerator[tuple[str, Json], None]:
        last = await last_number(head.id, store.detached, head.last_event)
        async with aclosing(reply.events(run)) as all_events:
            async for kind, event in all_events:
                if kind in _LAST:
                    yield kind, event | {"sequence_number": last}

    return request, translate


def _without(instructions: str | None, messages: list[AnyMessage]) -> list[AnyMessage]:
    first = messages[0] if messages else None
    stored = isinstance(first, SystemMessage) and first.text == instructions
    return messages[1:] if stored else messages
