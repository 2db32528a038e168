"""`POST /v1/chat/completions`: OpenAI's chat API over the deliberation."""

import time
import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.server.bodies import ChatBody
from langgraph_fusion.server.chat_reply import chat_completion
from langgraph_fusion.server.chat_stream import chat_frames
from langgraph_fusion.server.conduct import begun, conducted
from langgraph_fusion.server.described import answers
from langgraph_fusion.server.event_stream import EventStream
from langgraph_fusion.server.presence import while_present
from langgraph_fusion.server.router_metadata import wants_metadata
from langgraph_fusion.server.service import Service
from langgraph_fusion.server.visits import visit_of
from langgraph_fusion.server.wanted import Wanted, wanted_from_chat

router = APIRouter()


_ANSWERS = answers(
    "A chat completion.",
    "chunks as server-sent events, between them comments that keep the connection, and `[DONE]`.",
)


@router.post("/v1/chat/completions", responses=_ANSWERS)
async def chat_completions(body: ChatBody, request: Request) -> Response:
    """Answer a conversation with a deliberation, whole or as a stream of chunks."""
    service: Service = request.app.state.service
    request.state.requested = body.model
    wanted = wanted_from_chat(body, service.config.permits)
    head, metadata = _head(wanted), wants_metadata(request.headers)
    if wanted.stream:
        run = await begun(service, wanted, visit_of(request, "chat"))
        frames = chat_frames(run, wanted, head, metadata=metadata)
        return EventStream(frames, keep_alive_s=service.config.keep_alive_s, close=run.stop)
    async with conducted(service, wanted, visit_of(request, "chat")) as run:
        result = await while_present(request.receive, run.result())
    whole = FusionResult.model_validate(result)
    return JSONResponse(chat_completion(head, whole, wanted, metadata=metadata))


def _head(wanted: Wanted) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": wanted.model,
    }  # fmt: skip
