"""The operator's pages: is the process alive, can it answer, what has it done."""

import asyncio
import sqlite3

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.readiness import check_ready, user_prices
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.server.observability.metrics import CONTENT_TYPE
from langgraph_fusion.server.readiness import Check
from langgraph_fusion.server.state import ServerState

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer as long as the process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready; the body says why."}})
async def readyz(request: Request) -> JSONResponse:
    """Whether a deliberation with the default preset can start now, and what is missing."""
    service: ServerState = request.app.state.service
    stopping = service.closing.begun
    checks = {"accepting": Check(not stopping, "the server is stopping" if stopping else "yes")}
    checks |= await _checks_of(service)
    ready = all(check.ok or not check.needed for check in checks.values())
    body = {"ready": ready, "checks": {name: _told(check) for name, check in checks.items()}}
    return JSONResponse(body, status_code=200 if ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Everything that is counted, in Prometheus' text format."""
    service: ServerState = request.app.state.service
    return Response(service.metrics.page(), media_type=CONTENT_TYPE)


async def _checks_of(service: ServerState) -> dict[str, Check]:
    try:
        settings = load_settings({"preset": service.config.permits.default_preset})
        await check_ready(settings, user_prices())
    except ConfigError as error:
        return {"panel": Check(False, str(error))}
    checks = {
        "panel": Check(True, f"preset {settings.preset}"),
        "keys": await _keys(service),
        "store": await _store(service),
    }
    if any("bash" in settings.tools_of(seat) for seat in settings.panel):
        checks["engine"] = await service.engine.check(settings)
    return checks


async def _keys(service: ServerState) -> Check:
    if service.keys is None:
        return Check(True, "no keys are asked for")
    try:
        await asyncio.to_thread(service.keys.all)
    except (OSError, sqlite3.Error) as error:
        return Check(False, f"the file of keys cannot be read: {error}")
    return Check(True, "the file of keys can be read")


async def _store(service: ServerState) -> Check:
    if service.store is None:
        return Check(True, "runs are not kept")
    try:
        await service.store.check()
    except Exception as error:  # noqa: BLE001 - every kind of store has errors of its own
        return Check(False, f"runs cannot be kept: {type(error).__name__}")
    return Check(True, "runs are kept")


def _told(check: Check) -> dict[str, object]:
    return {"ok": check.ok, "needed": check.needed, "detail": check.detail}
