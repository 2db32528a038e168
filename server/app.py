"""The application: every HTTP door over one service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.util import find_spec

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph.errors import FusionError
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.models.http import close_http_client, open_http_client
from langgraph_fusion.server import health
from langgraph_fusion.server.config import ServerConfig, of_environment
from langgraph_fusion.server.errors import ApiError, api_error
from langgraph_fusion.server.garbage import collect_seldom
from langgraph_fusion.server.logging import log_surprise, log_to_stderr
from langgraph_fusion.server.middleware import Gate
from langgraph_fusion.server.observability.tracing import Tracing, wanted_by_environment
from langgraph_fusion.server.openai import (
    chat_completions,
    estimates,
    models,
    responses,
    responses_stored,
)
from langgraph_fusion.server.openrouter.metadata import (
    METADATA,
    metadata_of_refusal,
    wants_metadata,
)
from langgraph_fusion.server.own_pages import from_own_page
from langgraph_fusion.server.runs.cancellation import ClientGone
from langgraph_fusion.server.runs.orphans import stop_with_parent
from langgraph_fusion.server.state import ServerState
from langgraph_fusion.server.warm import warm_up


def create_app(config: ServerConfig | None = None) -> FastAPI:
    """Build the server; nothing is opened before it starts."""
    service = ServerState.of(config or ServerConfig())
    app = FastAPI(title="langgraph-fusion", version=version("langgraph-fusion"), lifespan=_lifespan)
    app.state.service = service
    app.add_middleware(Gate, service=service)
    for kind in (ApiError, FusionError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _say)
    app.add_exception_handler(ClientGone, _nobody)
    for router in (
        chat_completions.router,
        responses.router,
        responses_stored.router,
        models.router,
        estimates.router,
        health.router,
    ):
        app.include_router(router, dependencies=[Depends(from_own_page)])
    _add_installed(app)
    return app


def _add_installed(app: FastAPI) -> None:
    """The doors whose extra is installed."""
    if find_spec("mcp"):
        from langgraph_fusion.server.mcp.http import add_mcp

        add_mcp(app)
    if find_spec("langserve"):
        from langgraph_fusion.server.langserve.routes import add_langserve

        add_langserve(app)


def app_of_environment() -> FastAPI:
    """The application of a process that `fusion serve` started, with its log."""
    log_to_stderr()
    collect_seldom()
    stop_with_parent()
    return create_app(of_environment())


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load what a first request would otherwise wait for, and close what all have shared."""
    service: ServerState = app.state.service
    await asyncio.to_thread(warm_up)
    await open_http_client()
    if service.keys is not None:
        await asyncio.to_thread(service.keys.create)
    async with open_runs(service.config.runs) as service.store, _traced(service):
        with service.closing.on_signal(service):
            yield
        service.store = None
    await close_http_client()


@asynccontextmanager
async def _traced(service: ServerState) -> AsyncIterator[None]:
    """Traces of all runs, if the environment asks for them."""
    if not wanted_by_environment():
        yield
        return
    tracing = await asyncio.to_thread(Tracing)
    service.watchers.append(tracing)
    try:
        yield
    finally:
        service.watchers.remove(tracing)
        await asyncio.to_thread(tracing.close)


async def _nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # for the log: the client has gone


async def _say(request: Request, error: Exception) -> JSONResponse:
    said = api_error(error)
    requested = _requested(request, error)
    if requested and METADATA not in said.beside and wants_metadata(request.headers):
        said.beside[METADATA] = metadata_of_refusal(requested, said.code)
    if said.status == 500:
        log_surprise(error, request_id=request.state.request_id)
    return JSONResponse(said.body, status_code=said.status, headers=said.headers)


def _requested(request: Request, error: Exception) -> str | None:
    """The model that the request names, as far as it could be read."""
    if not isinstance(error, RequestValidationError):
        return getattr(request.state, "requested", None)
    named = error.body.get("model") if isinstance(error.body, dict) else None
    return named if isinstance(named, str) else None
