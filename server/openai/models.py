"""`GET /v1/models`: the values of `model`; `POST /v1/estimate`: the cost of a request."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse

from langgraph_fusion.graph.errors import MODEL_NOT_FOUND, ConfigError
from langgraph_fusion.graph.preflight.estimate import Estimate, estimate
from langgraph_fusion.graph.preflight.read_files import most_inlined_chars
from langgraph_fusion.graph.preflight.readiness import check_ready, user_prices
from langgraph_fusion.graph.presets import preset_descriptions
from langgraph_fusion.graph.request.images import image_blocks
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.models.local import OWNER
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.json_route import JsonRoute, understand
from langgraph_fusion.server.openai.openapi import documented_errors
from langgraph_fusion.server.openai.parse_request import (
    ALIASES,
    DIRECT,
    PRESET_PREFIX,
    is_heavy,
    run_request_from_chat,
)
from langgraph_fusion.server.openai.protocol import ChatBody
from langgraph_fusion.server.openrouter.result import hosted_name
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from langgraph_fusion.server.state import server_state

router = APIRouter(route_class=JsonRoute)
Json = dict[str, Any]
_PRICE = "A run costs what the models of its preset cost; the usage of a response says how much."
_NAME: dict[str, Any] = {
    "pattern": "^[a-z]+(/[a-z]+)?$",
    "examples": ["fusion", "fusion/budget", "openrouter/fusion"],
}
"""How names of models look."""
_NAMES = {
    "fusion": "Fusion",
    "openrouter/fusion": "Fusion, by OpenRouter's name",
    "openrouter/fusion-flash": "Fusion Flash, by OpenRouter's name",
}
_DIRECT = "The synthesizer alone, without a panel: for titles, tags and other small tasks."


@router.get("/v1/models")
async def list_models(request: Request) -> JSONResponse:
    """List what may stand in `model` and can run here now.

    Whoever looks for local servers, this server itself included, gets one entry: to find out what
    can run, this server would look for local servers in turn.
    """
    policy = server_state(request).config.policy
    if request_context(request, "chat").depth:
        return JSONResponse({"object": "list", "data": [_direct(policy)]})
    return JSONResponse({"object": "list", "data": [one async for one in _models(policy)]})


@router.get("/v1/models/{model:path}", responses=documented_errors())
async def retrieve_model(
    model: Annotated[str, Path(json_schema_extra=_NAME)], request: Request
) -> JSONResponse:
    """Describe one of them."""
    policy = server_state(request).config.policy
    async for found in _models(policy):
        if found["id"] == model:
            return JSONResponse(found)
    message = f"model: there is no {model!r} here; GET /v1/models lists what there is"
    raise ApiError(404, message, code=MODEL_NOT_FOUND, param="model")


class ListedPreset(NamedTuple):
    """A preset that can run here."""

    name: str
    about: str


async def listed_presets(policy: ClientPolicy) -> list[ListedPreset]:
    """The presets that could start now and that the operator permits."""
    presets = preset_descriptions()
    return [
        ListedPreset(name, presets[name])
        for name in presets
        if await _runnable({"preset": name}, policy) is not None
    ]


async def _models(policy: ClientPolicy) -> AsyncIterator[Json]:
    """Every model whose keys, packages and servers are there and that the operator permits."""
    default = policy.default_preset
    presets = preset_descriptions()
    entries = [(alias, _NAMES[alias], preset or default) for alias, preset in ALIASES.items()]
    entries += [(PRESET_PREFIX + name, f"Fusion ({name})", name) for name in presets]
    if DIRECT not in (id for id, _, _ in entries):
        entries.append((DIRECT, "Fusion direct (no panel)", default))
    able: dict[str, FusionSettings | None] = {}
    for id, shown, preset in entries:
        mode = {"mode": "direct"} if shown.startswith("Fusion direct") else {}
        key = f"{preset} {mode}"
        if key not in able:
            able[key] = await _runnable({"preset": preset} | mode, policy)
        if (settings := able[key]) is not None:
            about = _DIRECT if mode else presets[preset]
            yield _model(id, shown, about, settings)


def _direct(policy: ClientPolicy) -> Json:
    settings = load_settings({"preset": policy.default_preset, "mode": "direct"})
    return _model(DIRECT, "Fusion direct (no panel)", _DIRECT, settings)


async def _runnable(given: Json, policy: ClientPolicy) -> FusionSettings | None:
    """The settings if a run with them could start now."""
    try:
        return await check_ready(policy.apply_limits(load_settings(given)), user_prices())
    except ConfigError:
        return None


def _model(id: str, shown: str, about: str, settings: FusionSettings) -> Json:
    return {
        "id": id,
        "object": "model",
        "created": 0,
        "owned_by": OWNER,
        "name": shown,
        "description": about,
        "pricing": None,
        "pricing_note": _PRICE,
        "fusion": {
            "preset": settings.preset,
            "panel": [hosted_name(seat.model) for seat in settings.members],
            "judge": hosted_name(settings.judge.model) if settings.judge else None,
            "synthesizer": hosted_name(settings.synthesizer.model),
        },
    }


@router.post("/v1/estimate")
async def estimate_chat(body: ChatBody, request: Request) -> Estimate:
    """Estimate calls, tokens and dollars of the same body as /v1/chat/completions; free."""
    state = server_state(request)
    run_request = await understand(
        request, run_request_from_chat, body, state.config.policy, heavy=is_heavy(body)
    )
    messages = run_request.messages
    images = [*image_blocks(messages)]
    return estimate(
        run_request.settings, str(messages[-1].text), images, most_inlined_chars(messages)
    )
