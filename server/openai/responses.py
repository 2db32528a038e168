"""`POST /v1/responses`: OpenAI's Responses API over the deliberation."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from langgraph_fusion.server.errors import api_error
from langgraph_fusion.server.logging import log_surprise
from langgraph_fusion.server.openai.openapi import answers
from langgraph_fusion.server.openai.parse_request import wanted_from_responses
from langgraph_fusion.server.openai.protocol import ResponsesBody
from langgraph_fusion.server.openai.responses_events import ResponseEvents
from langgraph_fusion.server.openai.responses_items import new_id
from langgraph_fusion.server.openai.stored_responses import Thread, thread_of
from langgraph_fusion.server.openrouter.metadata import wants_metadata
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.cancellation import cancel_on_disconnect
from langgraph_fusion.server.runs.managed_run import ManagedRun, begin_run, managed_run
from langgraph_fusion.server.sse import DONE, EventStream, frame
from langgraph_fusion.server.state import ServerState

router = APIRouter()
Json = dict[str, Any]


_ANSWERS = answers(
    "A response.",
    "its events as server-sent events, `response.created` to `response.completed`, and `[DONE]`.",
)


@router.post("/v1/responses", responses=_ANSWERS)
async def responses(body: ResponsesBody, request: Request) -> Response:
    """Answer a conversation with a deliberation, whole or as a stream of events."""
    service: ServerState = request.app.state.service
    request.state.requested = body.model
    wanted = wanted_from_responses(body, service.config.permits)
    thread = await thread_of(body, service.store, request.state.key)
    wanted = replace(wanted, messages=thread.messages)
    events = ResponseEvents(
        wanted,
        _begun(body, wanted.model, stored=thread.stored),
        metadata=wants_metadata(request.headers),
        for_openai_client="OpenAI/" in request.headers.get("user-agent", ""),
    )
    visit = request_context(request, "responses")
    if wanted.stream:
        run = await begin_run(service, wanted, visit)
        frames = _frames(run, events, thread)
        return EventStream(frames, keep_alive_s=service.config.keep_alive_s, close=run.stop)
    async with managed_run(service, wanted, visit) as run:
        await cancel_on_disconnect(request.receive, _read(run, events, thread))
    return JSONResponse(events.response)


async def _read(run: ManagedRun, events: ResponseEvents, thread: Thread) -> None:
    async with aclosing(_said(run, events, thread)) as said:
        async for _ in said:
            pass


async def _said(
    run: ManagedRun, events: ResponseEvents, thread: Thread
) -> AsyncGenerator[Json, None]:
    """The events of the response; it is stored before its last one says that it is."""
    async with aclosing(run.events()) as told:
        async for event in told:
            all_said = list(events.of(event))
            if event["type"] == "run.finished":
                kept = await thread.keep(events.response, event["result"])
                events.response["store"] = kept
            for said in all_said:
                yield said


async def _frames(
    run: ManagedRun, events: ResponseEvents, thread: Thread
) -> AsyncGenerator[bytes, None]:
    """Yield the events of a run; one that fails ends with `response.failed` or `error`."""
    for said in events.begin():
        yield frame(said, said["type"])
    try:
        async with aclosing(_said(run, events, thread)) as all_said:
            async for said in all_said:
                yield frame(said, said["type"])
    except Exception as error:  # noqa: BLE001 - the status is sent, the stream has to say it
        if api_error(error).status == 500:
            log_surprise(error, run_id=run.run_id)
        for said in events.failed(error, run.run_id):
            yield frame(said, said["type"])
    yield DONE


def _begun(body: ResponsesBody, model: str, *, stored: bool) -> Json:
    """The response before anything has happened, with what was asked for."""
    asked = body.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "id": new_id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "model": model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "usage": None,
        "instructions": body.instructions,
        "metadata": body.metadata or {},
        "temperature": body.temperature,
        "top_p": None,
        "max_output_tokens": body.max_output_tokens,
        "tools": asked.get("tools", []),
        "tool_choice": asked.get("tool_choice", "auto"),
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "text": asked.get("text") or {"format": {"type": "text"}},
        "reasoning": asked.get("reasoning"),
        "previous_response_id": body.previous_response_id,
        "store": stored,
        "truncation": "disabled",
    }
