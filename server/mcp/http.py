"""MCP over streamable HTTP, beside the other endpoints of a server.

MCP's packages take a tenth of a server's start, and most servers are never asked over MCP: they are
loaded for the first request.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from fastapi import FastAPI
from langchain_core.messages import HumanMessage
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from langgraph_fusion.graph.errors import RunFailed
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.server.config import ServerConfig
from langgraph_fusion.server.errors import api_error
from langgraph_fusion.server.keys.key import Key
from langgraph_fusion.server.keys.key_ring import is_shared
from langgraph_fusion.server.mcp.large_body import with_calls_alone
from langgraph_fusion.server.request_context import request_context
from langgraph_fusion.server.runs.resume import stopped_request
from langgraph_fusion.server.runs.run_request import RunRequest
from langgraph_fusion.server.state import ServerState

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from langgraph_fusion.server.mcp.server import Events

_LOADED_LATE = ("mcp.server.streamable_http_manager", "langgraph_fusion.server.mcp.server")
PATH = "/mcp"
_MESSAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer"]},
        "method": {"type": "string", "examples": ["initialize", "tools/list", "tools/call"]},
        "params": {"type": "object"},
    },
    "required": ["jsonrpc", "method"],
}
_STREAM: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}
_SESSION: dict[str, Any] = {
    "name": "mcp-session-id", "in": "header", "required": False, "schema": {"type": "string"},
}  # fmt: skip
_METHODS: dict[str, dict[str, Any]] = {
    "POST": {
        "summary": "Send a JSON-RPC message of MCP (streamable HTTP) to `deliberate` or `resume`.",
        "responses": {200: {"content": _STREAM}, 202: {"description": "A notification."}},
        "openapi_extra": {
            "parameters": [_SESSION],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _MESSAGE}},
            },
        },
    },
    "GET": {
        "summary": "Listen to what the server sends outside of an answer.",
        "responses": {200: {"content": _STREAM}},
        "openapi_extra": {"parameters": [_SESSION]},
    },
    "DELETE": {
        "summary": "End a session.",
        "openapi_extra": {"parameters": [_SESSION]},
    },
}
"""How the OpenAPI document describes the path; MCP's own specification says the rest."""


def add_mcp(app: FastAPI, path: str = PATH) -> None:
    """Serve the tools at the path, from the start of the application to its end."""
    state: ServerState = app.state.server
    endpoint = _Endpoint(state)

    async def mcp() -> _Endpoint:
        return endpoint

    for method, what in _METHODS.items():
        app.add_api_route(path, mcp, methods=[method], **what)
    opened = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with opened(app) as shared, endpoint.open():
            yield shared

    app.router.lifespan_context = lifespan


class _Endpoint(Response):
    """An ASGI application whose sessions last as long as the application, at most."""

    def __init__(self, state: ServerState) -> None:
        super().__init__()
        self._state = state
        self._server: Any = None
        self._managers: dict[str | None, StreamableHTTPSessionManager] = {}
        """By the id of a key."""
        self._tasks: TaskGroup | None = None
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()
        self._managers.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key: Key | None = scope["state"]["key"]
        client = key.id if key else None
        manager = await self._manager_of(client)
        if scope["method"] == "POST":
            receive = await with_calls_alone(receive, self._state.threads, client)
        await manager.handle_request(scope, receive, send)

    async def _manager_of(self, client: str | None) -> "StreamableHTTPSessionManager":
        """The sessions of one client: another's id names none of them."""
        assert self._tasks is not None, "the application has not been started"
        async with self._opening:
            if client not in self._managers:
                for name in _LOADED_LATE:
                    await asyncio.to_thread(import_module, name)
                manager = self._new_manager()
                await self._tasks.start(_keep_open, manager)
                self._managers[client] = manager
        return self._managers[client]

    def _new_manager(self) -> "StreamableHTTPSessionManager":
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from langgraph_fusion.server.mcp.server import mcp_server

        config = self._state.config
        if self._server is None:
            deliberations = _Deliberations(self._state)
            self._server = mcp_server(deliberations, config.policy, heartbeat_s=config.keep_alive_s)
        return StreamableHTTPSessionManager(
            self._server,
            stateless=_has_others(config),  # a session lives in one process
            max_request_body_size=config.max_body_bytes,
            max_sessions=config.mcp_sessions,
            session_idle_timeout=config.mcp_idle_s,
        )


def _has_others(config: ServerConfig) -> bool:
    """Whether the next request of a client may come to another process: a worker, or a host."""
    return config.workers > 1 or is_shared(config.keys) or is_shared(config.runs)


async def _keep_open(
    manager: "StreamableHTTPSessionManager", *, task_status: TaskStatus[None]
) -> None:
    async with manager.run():
        task_status.started()
        await anyio.sleep_forever()


class _Deliberations:
    """Runs of the server's clients; each may resume only its own."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    @property
    def kept(self) -> bool:
        return self._state.store is not None

    def start(
        self, question: HumanMessage, settings: FusionSettings, request: Request | None
    ) -> "Events":
        run_request = RunRequest.of(settings, [question], requested="deliberate")
        return self._events(run_request, request)

    async def resume(self, run_id: str, request: Request | None) -> "Events":
        assert request is not None
        assert self._state.store is not None
        client = request_context(request, "mcp").client
        run_request = await stopped_request(
            run_id, self._state.store, client, self._state.config.policy
        )
        async with aclosing(self._events(run_request, request)) as events:
            async for event in events:
                yield event

    async def _events(self, run_request: RunRequest, request: Request | None) -> "Events":
        assert request is not None
        try:
            async with (
                self._state.manager.run(run_request, request_context(request, "mcp")) as run,
                aclosing(run.events()) as events,
            ):
                async for event in events:
                    yield event
        except Exception as error:
            found = api_error(error)
            raise RunFailed(str(found), found.code or "internal_error") from error
