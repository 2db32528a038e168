"""Texts of a run that is over leave the memory at once: no cycle of objects holds one.

Python looks for cycles after so many new objects, whatever their size: what a run of megabytes
leaves in a cycle may stay for a long time. Not covered: a run that ends with an error, which
LangGraph itself keeps in a cycle; the server looks for cycles once such runs are large enough.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.graph.cast import JUDGE, PANEL, WRITER, cast, disputed, judge
from tests.scripted import hang, status, text
from tests.server.asking import PANEL as SEATS
from tests.server.asking import until
from tests.server.conftest import Served, Serving
from tests.server.mcp_clients import over_http

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # LangServe calls what is old
]
LONG = 300_000
CHAT = "/v1/chat/completions"
SEATED = {"model": "fusion", "fusion": SEATS}
TURNS = [{"role": "system", "content": "x" * LONG}, {"role": "user", "content": "What is it?"}]
ASKED = SEATED | {"messages": TURNS}
INPUT = SEATED | {"input": "What is it?", "instructions": "x" * LONG}
HUMAN = [{"type": "system", "content": "x" * LONG}, {"type": "human", "content": "What is it?"}]
CONFIGURED = {"configurable": {name: value for name, value in SEATS.items() if name != "tools"}}
DIRECT = {"fusion": {"mode": "direct", "synthesizer": WRITER}}
ANSWER = {WRITER: text("y" * LONG)}
REFUSED = status(400)

POSTED: dict[str, tuple[str, Any, Any]] = {
    "chat": (CHAT, ASKED, ANSWER),
    "chat, streamed": (CHAT, ASKED | {"stream": True}, ANSWER),
    "responses": ("/v1/responses", INPUT, ANSWER),
    "responses, streamed": ("/v1/responses", INPUT | {"stream": True}, ANSWER),
    "direct": (CHAT, ASKED | DIRECT, ANSWER),
    "runs": ("/v1/runs", ASKED, ANSWER),
    "LangServe": ("/fusion/invoke", {"input": {"messages": HUMAN}, "config": CONFIGURED}, ANSWER),
    "follow-ups": (CHAT, ASKED, {**ANSWER, JUDGE: judge(disputed(), {"consensus": []})}),
    "a lost member": (CHAT, ASKED, {PANEL[0]: REFUSED}),
    "no writer": (CHAT, ASKED, {WRITER: REFUSED}),
}


async def test_no_cycle_holds_a_text_of_a_run_that_is_over(
    serving: Serving, tmp_path: Path
) -> None:
    served = await serving(cast(), runs=str(tmp_path / "runs.db"))
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        cases = {name: (_posting(http, *posted[:2]), posted[2]) for name, posted in POSTED.items()}
        cases["cancelled"] = (_cancelling(http, served), {WRITER: hang()})
        cases["MCP"] = (_calling(served.url), ANSWER)
        found = {name: await _held(served, parts, ask) for name, (ask, parts) in cases.items()}
    assert {name: held for name, held in found.items() if held} == {}


Ask = Callable[[], Awaitable[Any]]


def _posting(http: httpx2.AsyncClient, path: str, sent: Any) -> Ask:
    return lambda: http.post(path, json=sent)


def _cancelling(http: httpx2.AsyncClient, served: Served) -> Ask:
    async def ask() -> None:
        asking = asyncio.create_task(http.post(CHAT, json=ASKED))
        await until(lambda: served.models.seen_by(WRITER))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    return ask


def _calling(url: str) -> Ask:
    async def ask() -> None:
        async with over_http(f"{url}/mcp") as session:
            await session.call_tool("deliberate", SEATS | {"question": "What is it?" + " x" * LONG})

    return ask


async def _held(served: Served, parts: Any, ask: Ask) -> list[str]:
    """Kinds of objects that were left in cycles and refer to a long text."""
    served.models.script = cast(parts)
    gc.collect()
    gc.disable()
    try:
        await ask()
        await until(lambda: served.state.manager.admission.admitted == 0)
        served.models.forget()
        await asyncio.sleep(0.1)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [one for one in gc.garbage if type(one).__module__.partition(".")[0] != "httpx"]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    return sorted(
        {type(one).__qualname__ for one in left if any(map(_is_long, gc.get_referents(one)))}
    )


def _is_long(one: Any) -> bool:
    return isinstance(one, str | bytes) and len(one) >= LONG
