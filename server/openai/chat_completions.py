"""`POST /v1/chat/completions`: OpenAI's chat API over the deliberation.

Every chunk of a stream but that of the usage has one choice, so that a client that reads
`choices[0].delta.content` works unchanged. Progress is one more member of a chunk, `fusion`: an
event of `graph.events`, without what comes whole in the end.
"""

import json
import time
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph.result import ClientCall, FusionResult
from langgraph_fusion.graph.writing.streaming_answer import LiveAnswer
from langgraph_fusion.models.loop_share import off_loop, size_of
from langgraph_fusion.server.errors import api_error
from langgraph_fusion.server.json_route import JsonRoute, understand
from langgraph_fusion.server.logging import log_surprise
from langgraph_fusion.server.openai.openapi import documented_responses
from langgraph_fusion.server.openai.parse_request import is_heavy, run_request_from_chat
from langgraph_fusion.server.openai.protocol import ChatBody
from langgraph_fusion.server.openai.stop import StopFilter, cut_at
from langgraph_fusion.server.openai.usage import chat_usage
from langgraph_fusion.server.openrouter.metadata import (
    METADATA,
    error_metadata,
    router_metadata,
    wants_metadata,
)
from langgraph_fusion.server.openrouter.result import (
    EXTENSION,
    answer_text,
    chat_annotations,
    extension,
    is_plain,
)
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.cancellation import cancel_on_disconnect
from langgraph_fusion.server.runs.managed_run import Event, ManagedRun
from langgraph_fusion.server.runs.run_request import RunRequest
from langgraph_fusion.server.sse import DONE, EventStream, frame, public_event
from langgraph_fusion.server.state import server_state

router = APIRouter(route_class=JsonRoute)
Json = dict[str, Any]
_RESPONSES = documented_responses(
    "A chat completion.",
    "chunks as server-sent events, between them comments that keep the connection, and `[DONE]`.",
)


@router.post("/v1/chat/completions", responses=_RESPONSES)
async def chat_completions(body: ChatBody, request: Request) -> Response:
    """Answer a conversation with a deliberation, whole or as a stream of chunks."""
    state = server_state(request)
    request.state.requested = body.model
    run_request = await understand(
        request, run_request_from_chat, body, state.config.policy, heavy=is_heavy(body)
    )
    context = request_context(request, "chat")
    reply = ChatReply(run_request, metadata=wants_metadata(request.headers))
    if run_request.stream:
        run = await state.manager.start(run_request, context)
        return EventStream(
            reply.frames(run),
            keep_alive_s=state.config.keep_alive_s,
            unread_s=state.config.unread_s,
            close=run.stop,
        )
    async with state.manager.run(run_request, context) as run:
        result = await cancel_on_disconnect(request.receive, run.result())
    return await off_loop(size_of(result), reply.response, result)


class ChatReply:
    """The reply to one request in OpenAI's shape, with the hosted product's additions."""

    def __init__(self, request: RunRequest, *, metadata: bool) -> None:
        self._request = request
        self._metadata = metadata
        self._head: Json = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": request.model,
        }
        self._answer = LiveAnswer(plain=is_plain(request.settings))
        self._stop = StopFilter(request.stops)

    def response(self, result: Json) -> Response:
        """The response that is not streamed."""
        return JSONResponse(self.whole(FusionResult.model_validate(result)))

    def whole(self, result: FusionResult) -> Json:
        """The reply that is not streamed."""
        text = cut_at(answer_text(result), self._request.stops)
        message: Json = {"role": "assistant", "content": text or None, "refusal": None}
        message |= _annotations(result, text)
        if result.tool_calls:
            message["tool_calls"] = [_tool_call(call) for call in result.tool_calls]
        finish = _finish_reason(result)
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        reply = self._head | {"object": "chat.completion", "choices": [choice]}
        return reply | self._usage(result) | self._additions(result)

    async def frames(self, run: ManagedRun) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a run; one that fails ends with an error object, as OpenAI's do."""
        yield self._chunk({"role": "assistant", "content": ""})
        try:
            async with aclosing(run.events()) as events:
                async for event in events:
                    for chunk in await off_loop(size_of(event), self._chunks_of, event):
                        yield chunk
        except Exception as error:  # noqa: BLE001 - the status is sent, the stream has to say it
            yield frame(self._failure(error, run.run_id))
        yield DONE

    def _chunks_of(self, event: Event) -> list[bytes]:
        return list(self._made_of(event))

    def _made_of(self, event: Event) -> Iterator[bytes]:
        if text := self._stop.feed(self._answer.take(event)):
            yield self._chunk({"content": text})
        if event["type"] == "run.finished":
            yield from self._last_chunks(FusionResult.model_validate(event["result"]))
        elif self._request.progress and (shown := public_event(event)):
            yield self._chunk({}, further={EXTENSION: shown})

    def _last_chunks(self, result: FusionResult) -> Iterator[bytes]:
        rest = answer_text(result) if result.mode == "analysis" else ""
        if text := self._stop.feed(rest) + self._stop.end():
            yield self._chunk({"content": text})
        if result.tool_calls:
            calls = [{"index": i} | _tool_call(call) for i, call in enumerate(result.tool_calls)]
            yield self._chunk({"tool_calls": calls})
        further = self._additions(result)
        if EXTENSION in further:
            further[EXTENSION] = {"type": "run.finished", "result": further[EXTENSION]}
        text = cut_at(answer_text(result), self._request.stops)
        yield self._chunk(_annotations(result, text), _finish_reason(result), further)
        if self._request.include_usage:
            head = self._head | {"object": "chat.completion.chunk"}
            yield frame(head | {"choices": []} | self._usage(result))

    def _chunk(
        self, delta: Json, finish_reason: str | None = None, further: Json | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        head = self._head | {"object": "chat.completion.chunk"}
        return frame(head | {"choices": [choice]} | (further or {}))

    def _failure(self, error: Exception, run_id: str | None) -> Json:
        found = api_error(error, run_id)
        if found.status == 500:
            log_surprise(error, run_id=run_id)
        if self._metadata:
            found.beside[METADATA] = error_metadata(found, self._request.requested)
        return found.body

    def _usage(self, result: FusionResult) -> Json:
        """`usage`, if any call reported its tokens: what is unknown is left out, never 0."""
        used = chat_usage(result, self._request.usage_of)
        return {} if used is None else {"usage": used}

    def _additions(self, result: FusionResult) -> Json:
        """Ours, unless it is switched off, and `openrouter_metadata` if it is asked for."""
        found: Json = {EXTENSION: extension(result)} if self._request.details else {}
        if self._metadata:
            found[METADATA] = router_metadata(self._request, result)
        return found


def _finish_reason(result: FusionResult) -> str:
    """`length` when the writer's output limit cut the answer off."""
    if result.tool_calls:
        return "tool_calls"
    return "length" if "synthesizer_truncated" in result.degraded else "stop"


def _annotations(result: FusionResult, text: str) -> Json:
    """`annotations`, if the answer cites sources."""
    found = chat_annotations(result, text)
    return {"annotations": found} if found else {}


def _tool_call(call: ClientCall) -> Json:
    function = {"name": call.name, "arguments": json.dumps(call.args, ensure_ascii=False)}
    return {"id": call.id, "type": "function", "function": function}
