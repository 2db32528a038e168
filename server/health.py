"""The operator's pages: is the process alive, can it answer, what has it done."""

import asyncio
import time
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.named_docs import look_at_all
from langgraph_fusion.graph.preflight.readiness import check_ready, user_prices
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.server.keys.database import KeysUnavailable
from langgraph_fusion.server.observability.metrics import CONTENT_TYPE
from langgraph_fusion.server.state import ServerState, server_state

router = APIRouter(tags=["operations"])
_FRESH_S = 5.0
"""How long an answer is kept; probes come every few seconds, from several places."""
_WITHIN_S = 5.0


@dataclass(frozen=True)
class Check:
    """One thing that a deliberation needs; `needed` is false if it can run without."""

    ok: bool
    detail: str
    needed: bool = True


class Readiness:
    """What a deliberation needs, as of the last few seconds. For one event loop only.

    Probes ask no key, so their answer is the work of one request whoever sends how many.
    """

    def __init__(self) -> None:
        self._latest: dict[str, Check] = {}
        self._fresh_until = 0.0
        self._asking = asyncio.Lock()

    async def checks(self, state: ServerState) -> dict[str, Check]:
        async with self._asking:  # whoever waits here shares the answer
            if time.monotonic() >= self._fresh_until:
                self._latest = await _checks_of(state)
                self._fresh_until = time.monotonic() + _FRESH_S
        return self._latest


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer as long as the process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready; the body says why."}})
async def readyz(request: Request) -> JSONResponse:
    """Whether a deliberation with the default preset can start now, and what is missing."""
    state = server_state(request)
    stopping = state.manager.shutdown.started
    checks = {"accepting": Check(not stopping, "the server is stopping" if stopping else "yes")}
    checks |= await request.app.state.readiness.checks(state)
    ready = all(check.ok or not check.needed for check in checks.values())
    body = {"ready": ready, "checks": {name: _as_json(check) for name, check in checks.items()}}
    return JSONResponse(body, status_code=200 if ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Everything that is counted, in Prometheus' text format."""
    state = server_state(request)
    return Response(state.metrics.page(), media_type=CONTENT_TYPE)


async def _checks_of(state: ServerState) -> dict[str, Check]:
    try:
        settings = load_settings({"preset": state.config.policy.default_preset})
        await check_ready(settings, user_prices())
    except ConfigError as error:
        return {"panel": Check(False, str(error))}
    checks = {
        "panel": Check(True, f"preset {settings.preset}"),
        "keys": await _keys(state),
        "store": await _store(state),
        "documents": await _documents(),
    }
    if any("bash" in settings.tools_of(seat) for seat in settings.panel):
        checks["engine"] = await _ask_engine(settings)
    return checks


async def _keys(state: ServerState) -> Check:
    if state.keys is None:
        return Check(True, "no keys are asked for")
    try:
        await state.keys.check()
    except KeysUnavailable:
        return Check(False, "the keys cannot be looked up; the log says why")
    return Check(True, "the keys can be looked up")


async def _store(state: ServerState) -> Check:
    if state.store is None:
        return Check(True, "runs are not kept")
    try:
        await state.store.check()
    except Exception as error:  # noqa: BLE001 - every kind of store has errors of its own
        return Check(False, f"runs cannot be kept: {type(error).__name__}")
    return Check(True, "runs are kept")


async def _documents() -> Check:
    try:
        found = await look_at_all()
    except ConfigError:
        return Check(False, "the list of documents cannot be read")
    if wrong := [one.name for one in found if one.wrong]:
        return Check(False, f"not as the operator's list says: {', '.join(wrong)}")
    return Check(True, ", ".join(one.name for one in found) or "none have a name")


def _as_json(check: Check) -> dict[str, object]:
    return {"ok": check.ok, "needed": check.needed, "detail": check.detail}


async def _ask_engine(settings: FusionSettings) -> Check:
    from langgraph_fusion.sandbox.status import status

    try:
        async with asyncio.timeout(_WITHIN_S):
            found = await status(settings.sandbox)
    except (SandboxUnavailable, TimeoutError) as error:
        return Check(False, str(error) or "no answer", needed=settings.require_sandbox)
    missing = [f"{one.name}: {one.detail}" for one in found.checks if not one.ok]
    return Check(not missing, "; ".join(missing) or "ready", needed=settings.require_sandbox)
