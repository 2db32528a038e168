"""`POST /v1/estimate`: what a chat request would cost, before it is made."""

from fastapi import APIRouter, Request

from langgraph_fusion.graph.estimate import Estimate, estimate
from langgraph_fusion.server.bodies import ChatBody
from langgraph_fusion.server.service import Service
from langgraph_fusion.server.wanted import wanted_from_chat

router = APIRouter()


@router.post("/v1/estimate")
async def estimate_chat(body: ChatBody, request: Request) -> Estimate:
    """Estimate calls, tokens and dollars of the same body as /v1/chat/completions; free."""
    service: Service = request.app.state.service
    wanted = wanted_from_chat(body, service.config.permits)
    return estimate(wanted.settings, str(wanted.messages[-1].text))
