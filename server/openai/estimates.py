"""`POST /v1/estimate`: what a chat request would cost, before it is made."""

from fastapi import APIRouter, Request

from langgraph_fusion.graph.preflight.estimate import Estimate, estimate
from langgraph_fusion.server.openai.parse_request import wanted_from_chat
from langgraph_fusion.server.openai.protocol import ChatBody
from langgraph_fusion.server.state import ServerState

router = APIRouter()


@router.post("/v1/estimate")
async def estimate_chat(body: ChatBody, request: Request) -> Estimate:
    """Estimate calls, tokens and dollars of the same body as /v1/chat/completions; free."""
    service: ServerState = request.app.state.service
    wanted = wanted_from_chat(body, service.config.permits)
    return estimate(wanted.settings, str(wanted.messages[-1].text))
