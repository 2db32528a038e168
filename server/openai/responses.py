"""`/v1/responses`: OpenAI's Responses API over the deliberation, and its stored responses."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph.journal.conversations import KeptConversation
from langgraph_fusion.server.errors import ApiError, api_error
from langgraph_fusion.server.logging import log_surprise
from langgraph_fusion.server.openai.openapi import documented_errors, documented_responses
from langgraph_fusion.server.openai.parse_request import run_request_from_responses
from langgraph_fusion.server.openai.protocol import ResponsesBody
from langgraph_fusion.server.openai.responses_events import ResponseEvents
from langgraph_fusion.server.openai.responses_fusion_item import input_items, new_id
from langgraph_fusion.server.openai.stored_responses import Thread, stored_response, thread_of
from langgraph_fusion.server.openrouter.metadata import wants_metadata
from langgraph_fusion.server.recent_items import RecentItems
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.cancellation import cancel_on_disconnect
from langgraph_fusion.server.runs.managed_run import ManagedRun
from langgraph_fusion.server.sse import DONE, EventStream, frame
from langgraph_fusion.server.state import server_state

router = APIRouter()
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
    parsed = run_request_from_responses(body, state.config.policy, find_item)
    run_request = replace(parsed, messages=thread.messages)
    reply = _Reply(
        ResponseEvents(
            run_request,
            _initial_response(body, run_request.model, stored=thread.stored),
            metadata=wants_metadata(request.headers),
        ),
        thread,
        None if body.store is False else state.recent_items,
    )
    if run_request.stream:
        run = await state.manager.start(run_request, context)
        return EventStream(
            reply.frames(run),
            keep_alive_s=state.config.keep_alive_s,
            unread_s=state.config.unread_s,
            close=run.stop,
        )
    async with state.manager.run(run_request, context) as run:
        return JSONResponse(await cancel_on_disconnect(request.receive, reply.whole(run)))


class _Reply:
    """The reply to one request; it is stored before its last event says that it is."""

    def __init__(
        self, events: ResponseEvents, thread: Thread, recent_items: RecentItems | None
    ) -> None:
        self._events = events
        self._thread = thread
        self._recent_items = recent_items

    async def whole(self, run: ManagedRun) -> Json:
        """The response that is not streamed: the same events, sent nowhere."""
        async with aclosing(self._sent(run)) as events:
            async for _ in events:
                pass
        return self._events.response

    async def frames(self, run: ManagedRun) -> AsyncGenerator[bytes, None]:
        """Yield the events of a run; one that fails ends with `response.failed` or `error`."""
        for event in self._events.begin():
            yield frame(event, event["type"])
        try:
            async with aclosing(self._sent(run)) as events:
                async for event in events:
                    yield frame(event, event["type"])
        except Exception as error:  # noqa: BLE001 - the status is sent, the stream has to say it
            if api_error(error).status == 500:
                log_surprise(error, run_id=run.run_id)
            for event in self._events.failed(error, run.run_id):
                yield frame(event, event["type"])
        yield DONE

    async def _sent(self, run: ManagedRun) -> AsyncGenerator[Json, None]:
        async with aclosing(run.events()) as run_events:
            async for run_event in run_events:
                events = list(self._events.of(run_event))
                if run_event["type"] == "run.finished":
                    stored = await self._thread.keep(self._events.response, run_event["result"])
                    self._events.response["store"] = stored
                    if self._recent_items is not None:
                        output = self._events.response["output"]
                        self._recent_items.keep(self._thread.client, output)
                for event in events:
                    yield event


def _initial_response(body: ResponsesBody, model: str, *, stored: bool) -> Json:
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


@router.get(_STORED, responses=documented_errors())
async def retrieve_response(
    response_id: Id, request: Request, stream: bool = False
) -> JSONResponse:
    """Give a stored response again, as it was when it had ended."""
    if stream:
        raise ApiError(
            400,
            "stream: a stored response has ended and is not streamed again; leave it out",
            code="invalid_value",
            param="stream",
        )
    return JSONResponse((await _stored(response_id, request)).sent)


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
    return JSONResponse({"object": "list", "data": page, "has_more": len(rest) > limit} | ends)


@router.delete(_STORED, responses=documented_errors())
async def delete_response(response_id: Id, request: Request) -> JSONResponse:
    """Delete a stored response; later responses to the same conversation still hold it."""
    state = server_state(request)
    await _stored(response_id, request)
    assert state.store is not None
    await state.store.conversations.delete(response_id)
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
