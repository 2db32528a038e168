"""`POST /v1/chat/completions`: OpenAI's chat API over the deliberation."""

import time
import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.server.openai.chat_reply import chat_completion
from langgraph_fusion.server.openai.chat_stream import chat_frames
from langgraph_fusion.server.openai.openapi import answers
from langgraph_fusion.server.openai.parse_request import RunRequest, wanted_from_chat
from langgraph_fusion.server.openai.protocol import ChatBody
from langgraph_fusion.server.openrouter.metadata import wants_metadata
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.cancellation import cancel_on_disconnect
from langgraph_fusion.server.runs.managed_run import begin_run, managed_run
from langgraph_fusion.server.sse import EventStream
from langgraph_fusion.server.state import ServerState

router = APIRouter()


_ANSWERS = answers(
    "A chat completion.",
    "chunks as server-sent events, between them comments that keep the connection, and `[DONE]`.",
)


@router.post("/v1/chat/completions", responses=_ANSWERS)
async def chat_completions(body: ChatBody, request: Request) -> Response:
    """Answer a conversation with a deliberation, whole or as a stream of chunks."""
    service: ServerState = request.app.state.service
    request.state.requested = body.model
    wanted = wanted_from_chat(body, service.config.permits)
    head, metadata = _head(wanted), wants_metadata(request.headers)
    if wanted.stream:
        run = await begin_run(service, wanted, request_context(request, "chat"))
        frames = chat_frames(run, wanted, head, metadata=metadata)
        return EventStream(frames, keep_alive_s=service.config.keep_alive_s, close=run.stop)
    async with managed_run(service, wanted, request_context(request, "chat")) as run:
        result = await cancel_on_disconnect(request.receive, run.result())
    whole = FusionResult.model_validate(result)
    return JSONResponse(chat_completion(head, whole, wanted, metadata=metadata))


def _head(wanted: RunRequest) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": wanted.model,
    }  # fmt: skip
