"""`/v1/runs`: deliberations that go on without their client's connection.

A client starts a run, follows its events from wherever it lost them, steers it, and comes back to
it days later, through any worker. Everything is in the run store.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from langchain_core.messages import AIMessage, AnyMessage
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.detached_runs import ENDED, Head
from langgraph_fusion.graph.journal.repository import RunRepository, new_id
from langgraph_fusion.graph.journal.stored_result import stored_result
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.resume import recorded_conversation
from langgraph_fusion.models.loop_share import off_loop, size_of
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.json_response import json_response
from langgraph_fusion.server.json_route import JsonRoute, understand
from langgraph_fusion.server.openai.openapi import documented_errors
from langgraph_fusion.server.openai.parse_request import is_heavy, run_request_from_chat
from langgraph_fusion.server.openai.protocol import ChatBody
from langgraph_fusion.server.openrouter.result import answer_text
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.detached_run import run_events
from langgraph_fusion.server.runs.event_log import LAST, Frames, event_number
from langgraph_fusion.server.runs.resume import stopped_request
from langgraph_fusion.server.runs.run_request import RunRequest
from langgraph_fusion.server.runs.stored_limit import refuse_when_full
from langgraph_fusion.server.runs_api.protocol import (
    Steering,
    conflict,
    question_of,
    run_json,
    saved_as,
)
from langgraph_fusion.server.sse import EventStream
from langgraph_fusion.server.state import ServerState, server_state

router = APIRouter(route_class=JsonRoute)
Json = dict[str, Any]
Id = Annotated[str, Path(json_schema_extra={"pattern": "^[0-9a-f]{12}$"})]
LastEventId = Annotated[str | None, Header(alias="last-event-id")]
_RUN = "/v1/runs/{run_id}"
_ERRORS = documented_errors()


@router.post("/v1/runs", status_code=202, responses=_ERRORS)
async def start_run(
    body: ChatBody,
    request: Request,
    after: Annotated[
        str | None, Query(pattern="^[0-9a-f]{12}$", description="A finished run to go on from")
    ] = None,
) -> JSONResponse:
    """Start a deliberation that goes on without this connection; its texts stay until deleted.

    With `after` the conversation of that run, with its answer, comes before the messages.
    """
    state = server_state(request)
    request.state.requested = body.model
    store = _store(state)
    client = request_context(request, "runs").client
    await refuse_when_full(store, client, state.config.max_stored)
    parsed = await understand(
        request, run_request_from_chat, body, state.config.policy, heavy=is_heavy(body)
    )
    before = await _conversation(after, request) if after else []
    messages = [*before, *parsed.messages]
    run_request = replace(parsed, messages=messages, run_id=new_id(), take_over=True, keep=True)
    return await _start(run_request, request, store, Head(
        id=run_request.run_id or "",
        run_id=run_request.run_id or "",
        client=request_context(request, "runs").client,
        preset=run_request.settings.preset,
        model=body.model,
        question=question_of(run_request),
    ))  # fmt: skip


@router.get("/v1/runs", responses=_ERRORS)
async def list_runs(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    q: Annotated[str, Query(max_length=200, description="Words of the question")] = "",
) -> JSONResponse:
    """List this client's runs, the newest first."""
    state = server_state(request)
    client = request_context(request, "runs").client
    found, more = await state.detached.listed(
        client, _store(state), words=q, offset=offset, limit=limit
    )
    listed = [run_json(head) for head in found]
    return await json_response({"object": "list", "data": listed, "has_more": more})


@router.get(_RUN, responses=_ERRORS)
async def read_run(run_id: Id, request: Request) -> JSONResponse:
    """Say how a run stands; with its `result` once it has finished."""
    state, head = await _own(run_id, request)
    result = {}
    if head.now == "finished":
        result = {"result": await stored_result(_store(state), head.run_id)}
    return await json_response(run_json(head) | result)


@router.delete(_RUN, responses=_ERRORS)
async def delete_run(run_id: Id, request: Request) -> JSONResponse:
    """Delete a run that has ended, with all its texts."""
    state, head = await _own(run_id, request)
    if head.now not in ENDED:
        raise conflict(f"run {head.id} is under way; cancel it first")
    store = _store(state)
    if await store.find(head.run_id) is not None:
        await store.delete(head.run_id)
    else:
        await store.writer.write(*await store.detached.removal(head.run_id))
    state.detached.forget(head.id)
    return JSONResponse({"id": head.id, "object": "run", "deleted": True})


@router.get(f"{_RUN}/events", responses=_ERRORS)
async def follow_run(
    run_id: Id,
    request: Request,
    last_event_id: LastEventId = None,
    after: Annotated[int, Query(ge=0, le=LAST)] = 0,
) -> Response:
    """Send a run's events after the last that the client has, and those to come."""
    state, head = await _own(run_id, request)
    at = after if last_event_id is None else event_number(last_event_id, after)
    if head.now in ENDED and at >= head.last_event:
        return Response(status_code=204)  # a browser then stops connecting again
    frames = state.detached.frames(head, _store(state), at)
    return event_stream(frames, state)


@router.post(f"{_RUN}/cancel", status_code=202, responses=_ERRORS)
async def cancel_run(run_id: Id, request: Request) -> JSONResponse:
    """Stop a run; what it has paid for is kept, and it can be resumed."""
    return await _order(run_id, request, {"action": "cancel"})


@router.post(f"{_RUN}/steer", status_code=202, responses=_ERRORS)
async def steer_run(run_id: Id, body: Steering, request: Request) -> JSONResponse:
    """Ask something of a run that is under way; its events say what came of it."""
    return await _order(run_id, request, body.model_dump(exclude_none=True))


@router.post(f"{_RUN}/resume", status_code=202, responses=_ERRORS)
async def resume_run(run_id: Id, request: Request) -> JSONResponse:
    """Go on with a run that was interrupted, cancelled or failed: nothing paid is paid again."""
    state, head = await _own(run_id, request)
    if head.now not in ENDED:
        raise conflict(f"run {head.id} is under way")
    store = _store(state)
    client = request_context(request, "runs").client
    try:
        again = await stopped_request(head.run_id, store, client, state.config.policy)
    except ConfigError as error:
        raise conflict(str(error)) from None
    fresh = Head.model_validate(
        head.model_dump(exclude={"owner"}) | {"status": "queued", "error": None}
    )
    return await _start(again, request, store, fresh)


@router.get(f"{_RUN}/report", responses=_ERRORS)
async def report_run(
    run_id: Id, request: Request, format: Literal["html", "md", "json"] = "html"
) -> Response:
    """Give a finished run as one file to read, send and print."""
    from langgraph_fusion.web.report import report_html, report_markdown

    state, head = await _own(run_id, request)
    found = await stored_result(_store(state), head.run_id)
    if found is None:
        raise ApiError(404, f"run {head.id} has no result", code="run_not_finished", param="run_id")
    if format == "json":
        return await json_response(found, headers=saved_as(head, "json"))
    result = await off_loop(size_of(found), FusionResult.model_validate, found)
    if format == "md":
        text = await asyncio.to_thread(report_markdown, result)
        return PlainTextResponse(text, headers=saved_as(head, "md"))
    return HTMLResponse(await asyncio.to_thread(report_html, result))


async def _start(
    run_request: RunRequest, request: Request, store: RunRepository, head: Head
) -> JSONResponse:
    state = server_state(request)
    run = await state.manager.start(run_request, request_context(request, "runs"))
    await state.detached.start(head, run, store, run_events)
    return JSONResponse(run_json(head), 202)


async def _order(run_id: str, request: Request, action: Json) -> JSONResponse:
    state, head = await _own(run_id, request)
    if head.now in ENDED:
        raise conflict(f"run {head.id} has ended: {head.now}")
    try:
        await state.detached.order(head, action, _store(state))
    except ConfigError as error:
        raise conflict(str(error)) from None
    return JSONResponse(run_json(head), 202)


async def _own(run_id: str, request: Request) -> tuple[ServerState, Head]:
    """The run, if it is this client's.

    Raises:
        ApiError: 404 for any other.
    """
    state = server_state(request)
    head = await state.detached.head(run_id, _store(state))
    if head is None or head.response or head.client != request_context(request, "runs").client:
        raise ApiError(
            404, f"run_id: there is no run {run_id!r}", code="run_not_found", param="run_id"
        )
    return state, head


async def _conversation(run_id: str, request: Request) -> list[AnyMessage]:
    """What was said up to the answer of an earlier run.

    Raises:
        ApiError: 404 for a run that is not this client's, 409 for one without an answer.
    """
    try:
        state, head = await _own(run_id, request)
    except ApiError as error:
        error.param = "after"
        raise
    store = _store(state)
    record = await store.find(head.run_id)
    found = await stored_result(store, head.run_id)
    if record is None or found is None:
        raise conflict(f"run {head.id} has no answer to go on from")
    said = await recorded_conversation(store, record)
    return [*said, AIMessage(answer_text(FusionResult.model_validate(found)))]


def _store(state: ServerState) -> RunRepository:
    if state.store is None:
        raise ApiError(
            400,
            "this server keeps no runs (`--runs off`), and a run that goes on without its "
            "connection has to be kept",
            code="runs_not_kept",
        )
    return state.store


def event_stream(frames: Frames, state: ServerState) -> EventStream:
    """Frames for one follower; the run goes on when it leaves."""

    async def with_hint() -> AsyncGenerator[bytes, None]:
        yield b"retry: 1000\n\n"  # milliseconds until a browser connects again
        async with aclosing(frames) as parts:
            async for part in parts:
                yield part

    return EventStream(
        with_hint(),
        keep_alive_s=state.config.keep_alive_s,
        unread_s=state.config.unread_s,
        close=_nothing,
    )


async def _nothing() -> None:
    return None
