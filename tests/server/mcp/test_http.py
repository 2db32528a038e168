"""The MCP door of a running server, spoken to by the official client."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import McpError

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.errors import RunFailed
from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import JUDGE, PANEL, WRITER, A, cast, settings
from tests.scripted import Reply, Seen, hang, status, text
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Serving
from tests.server.mcp_clients import Progress, cancel_last, over_http, text_of, until

ASK: dict[str, Any] = {
    "question": "What is it?", "panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER,
    "tools": [],
}  # fmt: skip


def endless(seen: Seen) -> Reply | Any:
    return hang() if "endless" in seen.text else cast()(seen)


async def test_a_client_deliberates_over_http_and_follows_the_run(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    progress = Progress()
    async with over_http(f"{served.url}/mcp") as session:
        result = await session.call_tool("deliberate", ASK, progress_callback=progress)
    said: Any = result.structuredContent
    assert (text_of(result), said["answer"], result.isError) == ("It is 42.", "It is 42.", False)
    assert said["bill"]["cost_usd"] == pytest.approx(served.models.usage().cost)
    assert "A openrouter:m/a" in progress.lines[0]
    assert any(line.startswith("A answered") for line in progress.lines)


async def test_calls_of_one_session_run_side_by_side(serving: Serving) -> None:
    served = await serving(cast({A: lambda seen: text(f"echo {seen.last}"), WRITER: _writes_back}))
    async with over_http(f"{served.url}/mcp") as session:
        asked = [ASK | {"question": f"Number {number}?"} for number in range(5)]
        calls = (session.call_tool("deliberate", one) for one in asked)
        results = await asyncio.gather(*calls)
    assert [text_of(one) for one in results] == [f"On number {number}." for number in range(5)]


async def test_a_cancelled_request_stops_its_run_and_the_session_goes_on(serving: Serving) -> None:
    served = await serving(endless)
    async with over_http(f"{served.url}/mcp") as session:
        asked = ASK | {"question": "Is it endless?"}
        call = asyncio.ensure_future(session.call_tool("deliberate", asked))
        await until(lambda: served.models.in_flight == 3)
        await cancel_last(session)
        with pytest.raises(McpError, match="cancelled"):
            await call
        await until(lambda: served.models.in_flight == 0)
        assert text_of(await session.call_tool("deliberate", ASK)) == "Done."
    assert not served.state.manager.shutdown.runs


async def test_a_client_that_goes_away_stops_its_run(serving: Serving) -> None:
    served = await serving(endless)

    async def ask() -> None:
        async with over_http(f"{served.url}/mcp") as session:
            await session.call_tool("deliberate", ASK | {"question": "Is it endless?"})

    client = asyncio.ensure_future(ask())
    await until(lambda: served.models.in_flight == 3)
    client.cancel()
    await asyncio.wait({client})
    await until(lambda: served.models.in_flight == 0)
    await until(lambda: not served.state.manager.shutdown.runs)


async def test_a_connection_that_breaks_stops_its_run(serving: Serving) -> None:
    served = await serving(endless)
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as client:
        accept = {"Accept": "application/json, text/event-stream"}
        opening = await client.post("/mcp", json=_opening(), headers=accept)
        session = accept | {"mcp-session-id": opening.headers["mcp-session-id"]}
        asked = {"name": "deliberate", "arguments": ASK | {"question": "Is it endless?"}}
        call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": asked}
        async with client.stream("POST", "/mcp", json=call, headers=session) as response:
            assert response.status_code == 200
            await until(lambda: served.models.in_flight == 3)
    await until(lambda: served.models.in_flight == 0)
    await until(lambda: not served.state.manager.shutdown.runs)


async def test_a_run_is_resumed_by_the_key_it_belongs_to_and_no_other(
    serving: Serving, tmp_path: Path
) -> None:
    judged = asyncio.Event()

    def script(seen: Seen) -> Reply | Any:
        waits = seen.model == JUDGE and not judged.is_set()
        return hang() if waits else cast(answer="It is 42.")(seen)

    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    mine, other = (ring.add(name, Caps()) for name in ("ada", "bob"))
    place = str(tmp_path / "runs.db")
    served = await serving(script, runs=place, keys=tmp_path / "keys.db")
    progress = Progress()
    async with over_http(f"{served.url}/mcp", mine) as session:
        call = session.call_tool("deliberate", ASK, progress_callback=progress)
        calling = asyncio.ensure_future(call)
        await until(lambda: served.models.seen_by(JUDGE))
        await cancel_last(session)
        with pytest.raises(McpError, match="cancelled"):
            await calling
    await until(lambda: not served.state.manager.shutdown.runs)
    judged.set()
    run_request = {"run_id": progress.run_id}
    async with over_http(f"{served.url}/mcp", other) as session:
        refused = await session.call_tool("resume", run_request)
        assert text_of(refused) == f"there is no run {progress.run_id!r}"
    async with over_http(f"{served.url}/mcp", mine) as session:
        assert text_of(await session.call_tool("resume", run_request)) == "It is 42."
    assert [len(served.models.seen_by(model)) for model in PANEL] == [1, 1, 1]


async def test_a_run_with_files_of_the_machine_is_not_resumed_from_outside(
    serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    place = str(tmp_path / "runs.db")
    served = await serving(cast({model: status(402) for model in PANEL}), runs=place)
    given = tmp_path / "data.csv"
    given.write_text("n\n42\n")
    store = served.state.store
    with pytest.raises(RunFailed):
        await aask("Sum?", settings(tools=["bash"]), runs=store, files=(given,))
    run_id = (await store.latest()).id
    async with over_http(f"{served.url}/mcp") as session:
        refused = await session.call_tool("resume", {"run_id": run_id})
    assert "has files of this machine: `fusion resume" in text_of(refused)


async def test_failures_and_wrong_input_are_tool_errors(serving: Serving) -> None:
    served = await serving(cast({model: status(402) for model in PANEL}))
    async with over_http(f"{served.url}/mcp") as session:
        failed = await session.call_tool("deliberate", ASK)
        assert failed.isError
        assert "has no credit" in text_of(failed)
        wrong = await session.call_tool("deliberate", ASK | {"docs": "/etc"})
        assert wrong.isError
        assert "docs: only the operator" in text_of(wrong)


async def test_a_full_server_says_so_to_the_model(serving: Serving) -> None:
    served = await serving(endless, max_runs=1, queue=0)
    async with over_http(f"{served.url}/mcp") as session:
        asked = ASK | {"question": "Is it endless?"}
        call = asyncio.ensure_future(session.call_tool("deliberate", asked))
        await until(lambda: served.models.in_flight == 3)
        refused = await session.call_tool("deliberate", ASK)
        assert refused.isError
        assert "the server is full" in text_of(refused)
        call.cancel()


def _writes_back(seen: Seen) -> Reply:
    number = seen.text.partition("Number ")[2][0]
    return text(f"On number {number}.")


def _opening() -> dict[str, Any]:
    client = {"name": "raw", "version": "1"}
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


async def test_a_session_answers_to_the_key_that_opened_it_and_to_no_other(
    serving: Serving, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    mine, other = (_headers(ring.add(name, Caps())) for name in ("ada", "bob"))
    served = await serving(cast(), keys=tmp_path / "keys.db")
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as client:
        opening = await client.post("/mcp", json=_opening(), headers=mine)
        session = {"mcp-session-id": opening.headers["mcp-session-id"]}
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        for sent in (
            client.build_request("POST", "/mcp", json=listing, headers=other | session),
            client.build_request("GET", "/mcp", headers=other | session),
            client.build_request("DELETE", "/mcp", headers=other | session),
            client.build_request("POST", "/mcp", json=_opening(), headers=other | session),
        ):
            refused = await client.send(sent)
            assert (refused.status_code, "Session not found" in refused.text) == (404, True)
        still_there = await client.post("/mcp", json=listing, headers=mine | session)
        assert still_there.status_code == 200
        ended = await client.delete("/mcp", headers=mine | session)
        assert ended.status_code == 200


async def test_one_key_opens_few_sessions_and_another_still_has_its_own(
    serving: Serving, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    mine, other = (_headers(ring.add(name, Caps())) for name in ("ada", "bob"))
    served = await serving(cast(), keys=tmp_path / "keys.db", mcp_sessions=3)
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as client:
        opened = [await client.post("/mcp", json=_opening(), headers=mine) for _ in range(5)]
        assert [one.status_code for one in opened] == [200, 200, 200, 503, 503]
        assert (await client.post("/mcp", json=_opening(), headers=other)).status_code == 200
        session = {"mcp-session-id": opened[0].headers["mcp-session-id"]}
        await client.delete("/mcp", headers=mine | session)
        assert (await client.post("/mcp", json=_opening(), headers=mine)).status_code == 200


async def test_a_session_that_nobody_uses_ends(serving: Serving) -> None:
    served = await serving(cast(), mcp_sessions=1, mcp_idle_s=0.2)
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as client:
        headers = _headers(None)
        assert (await client.post("/mcp", json=_opening(), headers=headers)).status_code == 200

        async with asyncio.timeout(30):
            while (await client.post("/mcp", json=_opening(), headers=headers)).status_code == 503:
                await asyncio.sleep(0.05)


def _headers(key: str | None) -> dict[str, str]:
    accept = {"Accept": "application/json, text/event-stream"}
    return accept | ({"Authorization": f"Bearer {key}"} if key else {})
