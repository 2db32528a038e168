"""Nothing is left of a run that was cancelled, whatever it was doing."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from langgraph_fusion.graph.api import aask, deliberate
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.http import close_http_client
from tests.graph.cast import JUDGE, WRITER, A, B, C, Part, cast, disputed, judge, settings
from tests.graph.conftest import Serve
from tests.graph.faults.leaks import nothing_left
from tests.scripted import (
    Reply,
    ScriptedServer,
    Seen,
    broken_stream,
    hang,
    status,
    text,
    tool_calls,
)

MOMENTS = 28


def busy() -> Part:
    """Tools, retries, a wait, a hedge, a follow-up round and a slow writer."""
    chance = random.Random(11)
    turns = [status(503), status(429, headers={"Retry-After-Ms": "60"})]

    def researcher(seen: Seen) -> Reply:
        if chance.random() < 0.2:
            return chance.choice(turns)
        if seen.tool_names and not seen.tool_results:
            return tool_calls([("docs_search", {"query": "fusion"})]).after(0.05)
        return text("It is 42 [A1].").after(0.05)

    return cast(
        {
            A: researcher,
            B: hang(),
            "m/spare": text("Spare says 17.").after(0.1),
            C: researcher,
            JUDGE: lambda seen: judge(disputed(), {})(seen).after(0.1),  # type: ignore[union-attr]
            WRITER: text("Done at last, and slowly so.", pace=0.05),
        }
    )


def run_settings(docs: str) -> FusionSettings:
    hedged: dict[str, Any] = {"model": B, "fallbacks": ["m/spare"], "hedge_s": 0.15}
    return settings(panel=[A, hedged, C], docs=docs, tools=["docs"], max_rounds=1)


async def test_nothing_is_left_of_a_run_cancelled_at_any_moment(serve: Serve, docs: str) -> None:
    server = await serve(busy())
    chance = random.Random(7)
    with complaints() as heard:
        async with nothing_left():
            whole = await cancelled_after(1_000_000, 0.0, docs)
            for _ in range(MOMENTS):
                await cancelled_after(chance.randrange(whole), chance.uniform(0, 0.06), docs)
                assert await is_quiet(server), "a call outlived its run"
            await close_http_client()
    assert heard == []
    assert server.abandoned
    assert server.seen_by(WRITER), "some were cancelled late"


async def cancelled_after(events: int, seconds: float, docs: str) -> int:
    """Cancel a run so many seconds after so many events; the number of events it told."""
    told, enough = 0, asyncio.Event()
    if not events:
        enough.set()  # before the run has told anything

    async def follow() -> None:
        nonlocal told
        async for _ in deliberate("What is it?", run_settings(docs)):
            told += 1
            if told >= events:
                enough.set()

    run, reached = asyncio.create_task(follow()), asyncio.create_task(enough.wait())
    await asyncio.wait([run, reached], return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    await asyncio.wait([run], timeout=seconds)
    run.cancel()
    with suppress(asyncio.CancelledError):
        await run
    return told


async def is_quiet(server: ScriptedServer) -> bool:
    """Whether the server has no request under way; it hears of a closed line a moment later."""
    for _ in range(200):
        if server.in_flight == 0:
            return True
        await asyncio.sleep(0.01)
    return False


@contextmanager
def complaints() -> Iterator[list[str]]:
    """What the event loop has to say about tasks whose end nobody looked at."""
    heard: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: heard.append(str(context)))
    try:
        yield heard
    finally:
        loop.set_exception_handler(None)


@pytest.mark.parametrize("slow", [hang(), broken_stream("Half of it").after(0.2)], ids=repr)
async def test_both_calls_of_a_hedge_end_with_the_run(serve: Serve, docs: str, slow: Reply) -> None:
    server = await serve(cast({B: slow, "m/spare": hang()}))
    async with nothing_left():
        run = asyncio.create_task(aask("?", run_settings(docs)))
        while not any(seen.model == "m/spare" for seen in server.requests):
            await asyncio.sleep(0.01)
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run
        assert await is_quiet(server)
        await close_http_client()
