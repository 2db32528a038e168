"""`/v1/responses`: OpenAI's Responses API over the deliberation, and its stored responses."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph.journal.conversations import KeptConversation
from langgraph_fusion.graph.journal.detached_runs import ENDED
from langgraph_fusion.graph.preflight.fetched_images import with_images_fetched
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.json_response import json_response
from langgraph_fusion.server.json_route import JsonRoute, understand
from langgraph_fusion.server.openai import background_responses
from langgraph_fusion.server.openai.field_names import RESPONSES_FIELDS, errors_name
from langgraph_fusion.server.openai.openapi import documented_errors, documented_responses
from langgraph_fusion.server.openai.parse_request import is_heavy, run_request_from_responses
from langgraph_fusion.server.openai.protocol import ResponsesBody
from langgraph_fusion.server.openai.responses_events import ResponseEvents
from langgraph_fusion.server.openai.responses_fusion_item import input_items
from langgraph_fusion.server.openai.responses_reply import ResponseReply, initial_response
from langgraph_fusion.server.openai.stored_responses import stored_response, thread_of, within_limit
from langgraph_fusion.server.openrouter.metadata import wants_metadata
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.cancellation import cancel_on_disconnect
from langgraph_fusion.server.runs.event_log import LAST
from langgraph_fusion.server.sse import EventStream
from langgraph_fusion.server.state import server_state

router = APIRouter(route_class=JsonRoute)
Json = dict[str, Any]
Id = Annotated[str, Path(json_schema_extra={"pattern": "^resp_[0-9a-f]{32}$"})]
_STORED = "/v1/responses/{response_id}"
_RESPONSES = documented_responses(
    "A response.",
    "its events as server-sent events, `response.created` to `response.completed`, and `[DONE]`.",
)


@router.post("/v1/responses", responses=_RESPONSES)
async def responses(body: ResponsesBody, request: Request) -> Response:
    """Answer a conversation with a deliberation, whole or as a stream of events."""
    state = server_state(request)
    request.state.requested = body.model
    context = request_context(request, "responses")
    find_item = partial(state.recent_items.find, context.client)
    thread = await thread_of(body, state.store, request.state.key, find_item)
    thread = await within_limit(thread, body, state.config.max_stored)
    parsed = await understand(
        *(request, run_request_from_responses, body, state.config.policy, find_item),
        heavy=is_heavy(body),
    )
    with errors_name(RESPONSES_FIELDS):  # what is stored holds images, not addresses that expire
        turns = await with_images_fetched(thread.turns, parsed.settings)
    thread = replace(thread, turns=turns)
    run_request = replace(parsed, messages=thread.messages)
    reply = ResponseReply(
        ResponseEvents(
            run_request,
            initial_response(body, run_request.model, stored=thread.stored),
            metadata=wants_metadata(request.headers),
        ),
        thread,
        None if body.store is False else state.recent_items,
    )
    if body.background:
        with errors_name(RESPONSES_FIELDS):
            return await background_responses.start(reply, run_request, request)
    if run_request.stream:
        with errors_name(RESPONSES_FIELDS):
            run = await state.manager.start(run_request, context)
        return EventStream(
            reply.frames(run),
            keep_alive_s=state.config.keep_alive_s,
            unread_s=state.config.unread_s,
            close=run.stop,
        )
    with errors_name(RESPONSES_FIELDS):
        async with state.manager.run(run_request, context) as run:
            whole = await cancel_on_disconnect(request.receive, reply.whole(run))
    return await json_response(whole)


@router.get(_STORED, responses=documented_errors())
async def retrieve_response(
    response_id: Id,
    request: Request,
    stream: bool = False,
    starting_after: Annotated[
        int | None, Query(ge=0, le=LAST, description="sequence_number of the last event that came")
    ] = None,
) -> Response:
    """Give a response again: as it was when it had ended, or as it is in the background."""
    head = await background_responses.find(response_id, request)
    if head is not None and stream:
        return background_responses.follow(head, request, starting_after)
    if head is not None and head.now != "finished":
        goes_on = server_state(request).config.take_up
        return await json_response(background_responses.response_now(head, goes_on=goes_on))
    if stream:
        raise ApiError(
            400,
            "stream: a stored response has ended and is not streamed again; leave it out",
            code="invalid_value",
            param="stream",
        )
    return await json_response((await _stored(response_id, request)).sent)


@router.post(f"{_STORED}/cancel", responses=documented_errors())
async def cancel_response(response_id: Id, request: Request) -> JSONResponse:
    """Cancel a response in the background; one that has ended stays as it is."""
    head = await background_responses.find(response_id, request)
    if head is None:
        await _stored(response_id, request)
        raise ApiError(
            400,
            "response_id: only a response in the background can be cancelled",
            code="invalid_value",
            param="response_id",
        )
    ended = await background_responses.cancel(head, request)
    if ended.now == "finished":
        return await json_response((await _stored(response_id, request)).sent)
    return await json_response(background_responses.response_now(ended))


@router.get(f"{_STORED}/input_items", responses=documented_errors())
async def list_input_items(
    response_id: Id,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
    after: Annotated[str | None, Query(description="Id of the item before the first")] = None,
) -> JSONResponse:
    """List the turns that a stored response answered, those of earlier responses among them."""
    kept = await _stored(response_id, request)
    items = input_items(response_id, kept.messages[:-1])
    if order == "desc":
        items.reverse()
    rest = items[_place_after(after, items) :]
    page = rest[:limit]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
    found = {"object": "list", "data": page, "has_more": len(rest) > limit} | ends
    return await json_response(found)


@router.delete(_STORED, responses=documented_errors())
async def delete_response(response_id: Id, request: Request) -> JSONResponse:
    """Delete a stored response; later responses to the same conversation still hold it."""
    state = server_state(request)
    head = await background_responses.find(response_id, request)
    if head is None or head.now not in ENDED:
        await _stored(response_id, request)
    assert state.store is not None
    await state.store.conversations.delete(response_id)
    if head is not None:
        await state.store.writer.write(*await state.store.detached.removal_of(response_id))
        state.detached.forget(response_id)
    return JSONResponse({"id": response_id, "object": "response", "deleted": True})


async def _stored(id: str, request: Request) -> KeptConversation:
    state = server_state(request)
    found = await stored_response(id, state.store, request.state.key)
    if found is None:
        raise ApiError(
            404,
            f"response_id: no response {id!r} is stored for this key; send `store: true` with a "
            "request whose response is to be read again",
            code="response_not_found",
            param="response_id",
        )
    return found


def _place_after(after: str | None, items: list[Json]) -> int:
    if after is None:
        return 0
    ids = [item["id"] for item in items]
    if after not in ids:
        message = f"after: the response has no input item {after!r}"
        raise ApiError(400, message, code="invalid_value", param="after")
    return ids.index(after) + 1
