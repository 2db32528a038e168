"""The application: every HTTP endpoint over one server state."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph import later_nodes
from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import FusionError
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.preflight.readiness import default_preset
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.models.http import close_http_client, open_http_client
from langgraph_fusion.server import health
from langgraph_fusion.server.config import ServerConfig, config_from_environment
from langgraph_fusion.server.engine.client import Engine
from langgraph_fusion.server.errors import ApiError, api_error
from langgraph_fusion.server.logging import log_surprise, log_to_stderr
from langgraph_fusion.server.middleware import REQUEST_ID, RequestMiddleware
from langgraph_fusion.server.observability.tracing import Tracing, tracing_is_configured
from langgraph_fusion.server.openai import chat_completions, models, responses
from langgraph_fusion.server.openai.taken_up_responses import taken_up
from langgraph_fusion.server.openrouter.metadata import METADATA, error_metadata, wants_metadata
from langgraph_fusion.server.pages import api_page, page
from langgraph_fusion.server.runs.cancellation import ClientGone
from langgraph_fusion.server.runs.shutdown import stop_with_parent
from langgraph_fusion.server.runs.take_up import TakeUp
from langgraph_fusion.server.runs_api import routes as runs_routes
from langgraph_fusion.server.state import ServerState

_LAZY_MODULES = (
    "langchain_core.messages.block_translators.langchain_v0",
    "langchain_core.tracers.context",
    "langchain_core.tracers.stdout",
    "langgraph_fusion.models.chat",
    "langgraph_fusion.tools.fetch.fetcher",
    "langgraph_fusion.tools.search.duckduckgo",
    "json_repair",
    "openai.resources.chat.completions",
    "langgraph_fusion.web.ask_form",
    "langgraph_fusion.web.report",
    "langgraph_fusion.web.templates",
    "langgraph_fusion.web.timeline",
    "langgraph_fusion.web.view",
)
"""Modules that a run imports when it needs them, so that commands start fast."""
_LAZY_OFFLINE = tuple(
    f"langgraph_fusion.models.offline.{name}" for name in ("chat", "judge", "members", "writer")
)
_NEW_OBJECTS = 50_000
"""Between two collections of cycles; Python's own 700 fit a script."""


def create_app(config: ServerConfig | None = None, *, choose_preset: bool = False) -> FastAPI:
    """Build the server; nothing is opened before it starts.

    With `choose_preset` it serves the preset that fits this machine when it starts.
    """
    state = ServerState.of(config or ServerConfig())
    app = FastAPI(
        title="langgraph-fusion",
        version=version("langgraph-fusion"),
        lifespan=_lifespan,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.server = state
    app.state.choose_preset = choose_preset
    app.state.readiness = health.Readiness()
    app.add_middleware(RequestMiddleware, state=state)
    if state.config.cors_origins:
        _allow_pages(app, state.config.cors_origins)
    for kind in (ApiError, FusionError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _error_response)
    app.add_exception_handler(ClientGone, _no_response)
    routers = (
        chat_completions.router,
        responses.router,
        models.router,
        runs_routes.router,
        health.router,
        page.router,
        api_page.router,
    )
    for router in routers:
        app.include_router(router)
    _add_installed(app)
    return app


def _allow_pages(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of these origins read responses; a preflight request carries no key."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=[REQUEST_ID, "mcp-session-id", "retry-after", "x-should-retry"],
    )


def app_from_environment() -> FastAPI:
    """The application of a process that `fusion serve` started, with its log."""
    log_to_stderr()
    tune_garbage_collector()
    stop_with_parent()
    return create_app(config_from_environment())


def warm_up(*, offline: bool = False) -> None:
    """Load what the first request would otherwise wait for. Blocking, about a second."""
    for name in (*_LAZY_MODULES, *(_LAZY_OFFLINE if offline else ())):
        import_module(name)
    later_nodes.load()
    create_fusion(load_settings({"preset": "offline"}))


def tune_garbage_collector() -> None:
    """Exempt what is loaded from garbage collection, and collect less often.

    A waiting deliberation holds thousands of objects and next to no cycles. With Python's defaults
    200 of them spend a third of their CPU on collections, of which the longest stop everything for
    hundreds of milliseconds; memory is the same (measured with `bench/graph`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)


def _add_installed(app: FastAPI) -> None:
    """Add the endpoints whose extra is installed."""
    if find_spec("mcp"):
        from langgraph_fusion.server.mcp.http import add_mcp

        add_mcp(app)
    if find_spec("langserve"):
        from langgraph_fusion.server.langserve.routes import add_langserve

        add_langserve(app)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Warm up at startup, and close the shared resources at shutdown."""
    state: ServerState = app.state.server
    manager = state.manager
    if app.state.choose_preset:
        preset, _ = await default_preset()
        policy = replace(state.config.policy, default_preset=preset)
        state.config = replace(state.config, policy=policy)
    await asyncio.to_thread(warm_up, offline=state.config.policy.default_preset == "offline")
    if gc.get_freeze_count():  # this process is ours, and what it has loaded now stays as well
        gc.freeze()
    await open_http_client()
    async with (
        state.keys.open(patient=True) if state.keys else nullcontext(),
        open_runs(state.config.runs, origin="server") as manager.store,
        _traced(state),
    ):
        async with _engine(state), _taking_up(state):
            with manager.shutdown.on_signal():
                yield
            await state.detached.close()
        manager.store = None
    await close_http_client()


@asynccontextmanager
async def _engine(state: ServerState) -> AsyncIterator[None]:
    """Hand runs to workers, if the operator names an engine."""
    place, store = state.config.engine, state.store
    if place is None or store is None:
        yield
        return
    from langgraph_fusion.server.engine.notices import notices_at
    from langgraph_fusion.server.engine.queue import queue_client

    async with queue_client(place) as queue, notices_at(place).open() as notices:
        state.manager.engine = Engine(queue, store, notices)
        yield
        state.manager.engine = None


@asynccontextmanager
async def _taking_up(state: ServerState) -> AsyncIterator[None]:
    """Go on with runs that a server has left behind, if the operator wants it."""
    if not state.config.take_up or state.store is None:
        yield
        return
    take_up = TakeUp(state.manager, state.detached, state.config.policy, taken_up)
    looking = asyncio.create_task(take_up.keep_looking(state.store))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


@asynccontextmanager
async def _traced(state: ServerState) -> AsyncIterator[None]:
    """Trace all runs, if the environment asks for it."""
    if not tracing_is_configured():
        yield
        return
    tracing = await asyncio.to_thread(Tracing)
    state.manager.observers.append(tracing)
    try:
        yield
    finally:
        state.manager.observers.remove(tracing)
        await asyncio.to_thread(tracing.close)


async def _no_response(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # for the log: the client has gone


async def _error_response(request: Request, error: Exception) -> JSONResponse:
    found = api_error(error)
    requested = _requested_model(request, error)
    if requested and wants_metadata(request.headers):
        found.beside[METADATA] = error_metadata(found, requested)
    if found.status == 500:
        log_surprise(error, request_id=request.state.request_id)
    return JSONResponse(found.body, status_code=found.status, headers=found.headers)


def _requested_model(request: Request, error: Exception) -> str | None:
    """The model that the request names, as far as it could be read."""
    if not isinstance(error, RequestValidationError):
        return getattr(request.state, "requested", None)
    named = error.body.get("model") if isinstance(error.body, dict) else None
    return named if isinstance(named, str) else None
