"""`GET /v1/models`: what may stand in `model`; `POST /v1/estimate`: what a request would cost."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.estimate import Estimate, estimate
from langgraph_fusion.graph.presets import preset_descriptions
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.openai.openapi import documented_errors
from langgraph_fusion.server.openai.parse_request import (
    ALIASES,
    PRESET_PREFIX,
    run_request_from_chat,
)
from langgraph_fusion.server.openai.protocol import ChatBody
from langgraph_fusion.server.openrouter.result import hosted_name
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from langgraph_fusion.server.state import server_state

router = APIRouter()
Json = dict[str, Any]
_PRICE = "A run costs what the models of its preset cost; the usage of a response says how much."
_NAME: dict[str, Any] = {
    "pattern": "^[a-z]+(/[a-z]+)?$",
    "examples": ["fusion", "fusion/budget", "openrouter/fusion"],
}
"""How names of models look."""


@router.get("/v1/models")
async def list_models(request: Request) -> JSONResponse:
    """List what may stand in `model`."""
    policy = server_state(request).config.policy
    return JSONResponse({"object": "list", "data": list(_models(policy))})


@router.get("/v1/models/{model:path}", responses=documented_errors())
async def retrieve_model(
    model: Annotated[str, Path(json_schema_extra=_NAME)], request: Request
) -> JSONResponse:
    """Describe one of them."""
    policy = server_state(request).config.policy
    for found in _models(policy):
        if found["id"] == model:
            return JSONResponse(found)
    message = f"model: there is no {model!r} here; GET /v1/models lists what there is"
    raise ApiError(404, message, code="model_not_found", param="model")


def _models(policy: ClientPolicy) -> Iterator[Json]:
    for alias, preset in ALIASES.items():
        yield from _model(alias, preset or policy.default_preset, policy)
    for preset in preset_descriptions():
        yield from _model(PRESET_PREFIX + preset, preset, policy)


def _model(id: str, preset: str, policy: ClientPolicy) -> Iterator[Json]:
    """One entry, or none if the operator does not permit the preset's models."""
    try:
        settings = policy.limited(load_settings({"preset": preset}))
    except ConfigError:
        return
    yield {
        "id": id,
        "object": "model",
        "created": 0,
        "owned_by": "langgraph-fusion",
        "name": f"Fusion ({preset})",
        "description": preset_descriptions()[preset],
        "pricing": None,
        "pricing_note": _PRICE,
        "fusion": {
            "preset": preset,
            "panel": [hosted_name(seat.model) for seat in settings.panel],
            "judge": hosted_name(settings.judge.model) if settings.judge else None,
            "synthesizer": hosted_name(settings.synthesizer.model),
        },
    }


@router.post("/v1/estimate")
async def estimate_chat(body: ChatBody, request: Request) -> Estimate:
    """Estimate calls, tokens and dollars of the same body as /v1/chat/completions; free."""
    state = server_state(request)
    run_request = run_request_from_chat(body, state.config.policy)
    return estimate(run_request.settings, str(run_request.messages[-1].text))
