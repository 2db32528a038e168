"""`background: true`: a response that goes on without its connection, as OpenAI's contract has it.

The run works by itself (`runs/detached.py`); a client asks for the response, follows its events
from any `sequence_number`, or cancels it, at whichever worker.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from fastapi import Request
from starlette.responses import Response

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.detached_runs import ENDED, Head
from langgraph_fusion.graph.journal.repository import RunRepository, new_id
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.json_response import json_response
from langgraph_fusion.server.openai.responses_reply import ResponseReply
from langgraph_fusion.server.openai.taken_up_responses import to_go_on
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.event_log import Frames
from langgraph_fusion.server.runs.run_request import RunRequest
from langgraph_fusion.server.sse import DONE, EventStream
from langgraph_fusion.server.state import server_state

Json = dict[str, Any]
_STATUS = {
    "queued": "queued",
    "running": "in_progress",
    "finished": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "interrupted": "failed",
}
_INTERRUPTED = {
    "code": "server_stopping",
    "message": "the server stopped while it worked on this response; send the request again",
}
_CANCEL_S = 5.0
"""How long a cancellation is waited for; the reply then says how far it is."""
_LOOK_S = 0.05


async def start(reply: ResponseReply, run_request: RunRequest, request: Request) -> Response:
    """Start a response that goes on by itself; reply at once, or with the stream of its events.

    Raises:
        ApiError: 400, where nothing can be stored: a response in the background has to be.
    """
    state = server_state(request)
    context = request_context(request, "responses")
    store = _store(state.store, stored=reply.response["store"])
    run_id = new_id()
    reply.response["status"] = "queued"
    head = Head(
        id=reply.response["id"],
        run_id=run_id,
        client=context.client,
        preset=run_request.settings.preset,
        model=run_request.requested,
        response=dict(reply.response),
        reply=to_go_on(run_request, reply),
    )
    run = await state.manager.start(replace(run_request, run_id=run_id, take_over=True), context)
    await state.detached.start(head, run, store, reply.events)
    if run_request.stream:
        return follow(head, request, None)
    return await json_response(response_now(head))


async def find(response_id: str, request: Request) -> Head | None:
    """The response, if it is one in the background and this client's."""
    state = server_state(request)
    if state.store is None:
        return None
    head = await state.detached.head(response_id, state.store)
    client = request_context(request, "responses").client
    return head if head and head.response and head.client == client else None


def response_now(head: Head, *, goes_on: bool = False) -> Json:
    """The response object of one that has not finished well.

    `goes_on`: servers go on with those whose server has died.
    """
    response = head.response or {}
    if goes_on and head.now == "interrupted" and head.reply is not None:
        return response | {"status": "in_progress"}
    error = _INTERRUPTED if head.now == "interrupted" else head.error
    shown = error and {"code": error.get("code") or "server_error", "message": error["message"]}
    return response | {"status": _STATUS[head.now], "error": shown}


def follow(head: Head, request: Request, starting_after: int | None) -> EventStream:
    """Send its events after this `sequence_number`, and those to come."""
    state = server_state(request)
    assert state.store is not None
    after = 0 if starting_after is None else starting_after + 1
    return EventStream(
        _with_done(state.detached.frames(head, state.store, after)),
        keep_alive_s=state.config.keep_alive_s,
        unread_s=state.config.unread_s,
        close=_nothing,
    )


async def cancel(head: Head, request: Request) -> Head:
    """Cancel it, and return how it stands a moment later."""
    state = server_state(request)
    assert state.store is not None
    if head.now not in ENDED:
        await state.detached.order(head, {"action": "cancel"}, state.store)
    elif head.now == "interrupted":
        with suppress(ConfigError):  # a server has just gone on with it
            await state.detached.cancel_interrupted(head, state.store)
    for _ in range(round(_CANCEL_S / _LOOK_S)):
        head = await state.detached.head(head.id, state.store) or head
        if head.now in ENDED:
            break
        await asyncio.sleep(_LOOK_S)
    return head


async def _with_done(frames: Frames) -> AsyncGenerator[bytes, None]:
    async with aclosing(frames) as parts:
        async for part in parts:
            yield part
    yield DONE


async def _nothing() -> None:
    return None


def _store(store: RunRepository | None, *, stored: bool) -> RunRepository:
    if store is None:
        raise _refused("this server keeps no runs (`--runs off`)")
    if not stored:
        raise _refused("a response in the background has to be stored; leave `store: false` out")
    return store


def _refused(why: str) -> ApiError:
    return ApiError(400, f"background: {why}", code="invalid_value", param="background")
