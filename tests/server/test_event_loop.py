"""What many requests at once, or large ones, may not do: keep the event loop from all others."""

import asyncio
import json
import sys
import threading
from pathlib import Path

from langgraph_fusion.server.body_threads import LARGE
from langgraph_fusion.server.runs.loop_turns import LoopTurns
from tests.cli.processes import run
from tests.graph.cast import cast
from tests.server.asking import body, until
from tests.server.conftest import Serving

_NEW_MODULES = """
import asyncio, sys, httpx2
from langgraph_fusion.server.app import create_app
from langgraph_fusion.server.config import ServerConfig
from langgraph_fusion.server.runs.client_policy import ClientPolicy

async def main():
    app = create_app(ServerConfig(policy=ClientPolicy("offline"), runs=sys.argv[1]))
    asked = {"model": "fusion", "messages": [{"role": "user", "content": "Why?"}]}
    async with app.router.lifespan_context(app):
        loaded = set(sys.modules)
        wired = httpx2.ASGITransport(app)
        client = httpx2.AsyncClient(transport=wired, base_url="http://localhost", timeout=100)
        async with client as one:
            for path in ("/", "/v1/models", "/readyz", "/v1/runs"):
                (await one.get(path)).raise_for_status()
            (await one.post("/v1/chat/completions", json=asked)).raise_for_status()
        print(*sorted(set(sys.modules) - loaded))

asyncio.run(main())
"""


def test_a_request_loads_no_module_that_the_start_could_have_loaded(tmp_path: Path) -> None:
    done = run(sys.executable, "-c", _NEW_MODULES, str(tmp_path / "runs.db"), timeout_s=300)
    assert done.returncode == 0, done.stderr
    ours = ("langgraph", "langchain", "jinja2", "markdown_it", "snowballstemmer", "pydantic")
    assert [name for name in done.stdout.split() if name.startswith(ours)] == []


async def test_of_many_that_wait_one_has_its_turn_in_each_round_of_the_loop() -> None:
    turns, rounds, seen = LoopTurns(), 0, []

    def count() -> None:
        nonlocal rounds
        rounds += 1
        loop.call_soon(count)

    async def one() -> None:
        await turns.turn()
        seen.append(rounds)

    loop = asyncio.get_running_loop()
    loop.call_soon(count)
    waiting = [asyncio.create_task(one()) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[20].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(seen) == 49
    assert len(set(seen)) == 49


async def test_a_client_that_goes_while_its_body_waits_to_be_parsed_leaves_the_line(
    serving: Serving,
) -> None:
    served = await serving(cast())
    threads, free = served.state.threads, threading.Event()
    busy = asyncio.create_task(threads.run(None, free.wait))
    sent = json.dumps(body(user="x" * 2 * LARGE)).encode()
    head = f"POST /v1/estimate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(sent)}\r\n"
    port = int(served.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + sent)
        await until(lambda: threads.waiting == 2)
        writer.close()
        await until(lambda: threads.waiting == 1)
    finally:
        writer.close()
        free.set()
        await busy
