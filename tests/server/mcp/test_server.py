"""`fusion mcp`, spoken to by the official client."""

import asyncio
import json
import os
import signal
import subprocess
from contextlib import suppress
from typing import Any

import pytest
from mcp import McpError

from tests.cli.processes import FUSION, ROOT, environment, in_terminal, run
from tests.graph.cast import JUDGE, PANEL, WRITER, cast
from tests.graph.conftest import Serve, serve
from tests.scripted import ScriptedServer, hang, status
from tests.server.mcp_clients import Progress, cancel_last, over_stdio, text_of, until

__all__ = ["serve"]

OFFLINE = ("--preset", "offline", "--docs", "builtin:docs", "--tools", "docs")
SCRIPTED = (
    *("--tools", "none", "--set", f"judge={JUDGE}", "--set", f"synthesizer={WRITER}"),
    *("--set", f"panel={json.dumps(PANEL)}", "--set", "max_rounds=0"),
)


def keys(server: ScriptedServer) -> dict[str, str]:
    return {"OPENROUTER_API_KEY": "sk-or-secret-key", "OPENROUTER_BASE_URL": server.base_url}


async def test_a_client_deliberates_and_follows_the_run() -> None:
    progress = Progress()
    async with over_stdio(*OFFLINE) as session:
        asked = {"question": "What does the check verify?", "max_rounds": 0}
        result = await session.call_tool("deliberate", asked, progress_callback=progress)
    assert not result.isError
    said: Any = result.structuredContent
    assert said["answer"] == text_of(result)
    assert said["sources"][0]["number"] == 1
    assert "architecture.md" in said["sources"][0]["url"]
    assert (said["preset"], said["bill"]["cost_usd"]) == ("offline", 0.0)
    assert said["analysis"]["consensus"]
    assert progress.numbers == sorted(set(progress.numbers))
    assert progress.lines[0].startswith("panel (offline): A offline:keyword")
    assert any(line.startswith("A docs_search") for line in progress.lines)
    assert progress.lines[-1].startswith("done in")


async def test_the_tool_describes_its_settings_and_keeps_the_operators_to_itself() -> None:
    async with over_stdio(*OFFLINE) as session:
        tool, again = (await session.list_tools()).tools
    assert list(again.inputSchema["properties"]) == ["run_id"]
    fields = tool.inputSchema["properties"]
    assert tool.inputSchema["required"] == ["question"]
    assert "offline" in fields["preset"]["enum"]
    assert fields["max_rounds"]["maximum"] == 3
    assert fields["length"]["enum"] == ["auto", "brief", "full"]
    assert all(field["description"] for field in fields.values())
    assert not {"docs", "sandbox", "allow_networks", "client_tools"} & fields.keys()
    assert tool.outputSchema is not None
    assert {"answer", "sources", "bill"} <= tool.outputSchema["properties"].keys()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"question": "  "}, "question: it is empty"),
    ({"question": "q", "max_rounds": 9}, "max_rounds"),
    ({"question": "q", "preset": "nope"}, "there is no 'nope'"),
    ({"question": "q", "docs": "/etc"}, "docs: only the operator"),
    ({"question": "q", "colour": "red"}, "colour"),
    ({"question": "q", "judge": {"model": "a/b", "extra": {"models": ["c/d"]}}}, "judge.extra"),
    ({"question": "q", "panel": 3}, "panel: give a list of seats"),
    ({"question": "q", "preset": "budget"}, "OPENROUTER_API_KEY"),
]


async def test_wrong_input_is_a_tool_error_that_names_the_field() -> None:
    async with over_stdio(*OFFLINE) as session:
        for arguments, says in WRONG:
            result = await session.call_tool("deliberate", arguments)
            assert result.isError
            assert says in text_of(result)


async def test_a_run_that_fails_is_a_tool_error_with_every_reason(serve: Serve) -> None:
    server = await serve(cast({model: status(402) for model in PANEL}))
    async with over_stdio(*SCRIPTED, env=keys(server)) as session:
        result = await session.call_tool("deliberate", {"question": "Is it 42?"})
    assert result.isError
    assert "has no credit" in text_of(result)


async def test_a_cancelled_request_stops_its_run_and_nothing_else(serve: Serve) -> None:
    def first_hangs(seen: Any) -> Any:
        return hang() if "endless" in seen.text else cast()(seen)

    server = await serve(first_hangs)
    async with over_stdio(*SCRIPTED, env=keys(server)) as session:
        asked = {"question": "Is it endless?"}
        call = asyncio.ensure_future(session.call_tool("deliberate", asked))
        await until(lambda: server.in_flight == 3)
        await cancel_last(session)
        with pytest.raises(McpError, match="cancelled"):
            await call
        await until(lambda: server.in_flight == 0)
        again = await session.call_tool("deliberate", {"question": "And now?"})
    assert text_of(again) == "Done."


async def test_a_cancelled_call_is_resumed_and_pays_for_nothing_twice(serve: Serve) -> None:
    waits = asyncio.Event()

    async def script(seen: Any) -> Any:
        if seen.model == JUDGE and not waits.is_set():
            return hang()
        return cast(answer="It is 42.")(seen)

    server, progress = await serve(script), Progress()
    asked = {"question": "Is it 42?"}
    async with over_stdio(*SCRIPTED, env=keys(server)) as session:
        call = session.call_tool("deliberate", asked, progress_callback=progress)
        calling = asyncio.ensure_future(call)
        await until(lambda: server.seen_by(JUDGE))
        await cancel_last(session)
        with pytest.raises(McpError, match="cancelled"):
            await calling
    waits.set()
    async with over_stdio(*SCRIPTED, env=keys(server)) as session:
        result = await session.call_tool("resume", {"run_id": progress.run_id})
        finished = await session.call_tool("resume", {"run_id": progress.run_id})
    assert text_of(result) == "It is 42."
    assert result.structuredContent is not None
    assert result.structuredContent["run_id"] == progress.run_id
    assert [len(server.seen_by(model)) for model in PANEL] == [1, 1, 1]
    assert finished.isError
    assert "has finished" in text_of(finished)


async def test_a_run_that_failed_says_how_to_go_on_once_the_cause_is_gone(serve: Serve) -> None:
    broke = asyncio.Event()
    broke.set()
    server = await serve(lambda seen: status(402) if broke.is_set() else cast()(seen))
    async with over_stdio(*SCRIPTED, env=keys(server)) as session:
        failed = await session.call_tool("deliberate", {"question": "Is it 42?"})
        run_id = text_of(failed).partition("with run_id ")[2].split()[0]
        broke.clear()
        result = await session.call_tool("resume", {"run_id": run_id})
    assert (failed.isError, text_of(result)) == (True, "Done.")


async def test_only_a_whole_id_of_a_run_is_taken(serve: Serve) -> None:
    server = await serve(cast())
    async with over_stdio(*SCRIPTED, env=keys(server)) as session:
        for arguments in ({}, {"run_id": ""}, {"run_id": "1f0c"}, {"run_id": 7}):
            refused = await session.call_tool("resume", arguments)
            assert "run_id: give the 12 digits" in text_of(refused)
        unknown = await session.call_tool("resume", {"run_id": "0" * 12})
        assert "there is no run '000000000000'" in text_of(unknown)


async def test_where_no_runs_are_kept_there_is_nothing_to_resume(serve: Serve) -> None:
    server = await serve(cast({model: status(402) for model in PANEL}))
    async with over_stdio(*SCRIPTED, env=keys(server) | {"FUSION_RUNS": "off"}) as session:
        assert [tool.name for tool in (await session.list_tools()).tools] == ["deliberate"]
        failed = await session.call_tool("deliberate", {"question": "Is it 42?"})
        assert "run_id" not in text_of(failed)
        refused = await session.call_tool("resume", {"run_id": "0" * 12})
        assert "there is no tool 'resume'" in text_of(refused)


@pytest.mark.parametrize("end", ["closed input", signal.SIGTERM, signal.SIGINT])
async def test_the_server_ends_with_its_client_and_stops_what_runs(serve: Serve, end: Any) -> None:
    server = await serve(hang_always)
    process = await asyncio.create_subprocess_exec(
        *FUSION, "mcp", *SCRIPTED,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=ROOT, env=environment(keys(server)),
    )  # fmt: skip
    assert process.stdin is not None
    for message in _opening_and_call():
        process.stdin.write(json.dumps(message).encode() + b"\n")
    await until(lambda: server.in_flight == 3)
    if isinstance(end, signal.Signals):
        os.kill(process.pid, end)
    else:
        process.stdin.close()
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    await until(lambda: server.in_flight == 0)
    assert (process.returncode, errors) == (0, b"")
    with suppress(ProcessLookupError):
        process.kill()


def hang_always(seen: Any) -> Any:
    return hang()


def _opening_and_call() -> list[dict[str, Any]]:
    client = {"name": "raw", "version": "1"}
    opening = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
    call = {"name": "deliberate", "arguments": {"question": "Is it 42?"}}
    return [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": opening},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]


def test_what_is_missing_is_said_before_a_client_connects() -> None:
    ended = run(*FUSION, "mcp", "--preset", "budget")
    assert ended.returncode == 2
    assert "OPENROUTER_API_KEY" in ended.stderr


def test_in_a_terminal_the_user_learns_how_to_add_it_to_a_client() -> None:
    with in_terminal(*FUSION, "mcp", "-p", "offline") as command:
        command.read_until('"mcpServers"')
        command.process.send_signal(signal.SIGINT)
        assert command.wait() == 0
