"""MCP as clients use it: null for what is left out, several workers, long silences."""

from pathlib import Path
from typing import Any

from tests.graph.cast import JUDGE, PANEL, WRITER, A, cast
from tests.scripted import text
from tests.server.command import served as command
from tests.server.conftest import Serving
from tests.server.mcp.test_http import ASK
from tests.server.mcp_clients import Progress, over_http, text_of

OPTIONAL = [
    "preset", "mode", "max_rounds", "quorum", "budget_usd", "deadline_s", "tools", "seed",
    "response_format", "panel", "judge", "synthesizer", "grace_s", "docs", "length",
]  # fmt: skip


async def test_null_means_left_out(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    seats = {"panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER, "tools": []}
    async with over_http(f"{served.url}/mcp") as session:
        for name in OPTIONAL:
            asked: dict[str, Any] = {"question": "What is it?"} | seats
            if name not in seats:
                asked[name] = None
            result = await session.call_tool("deliberate", asked)
            assert (text_of(result), result.isError) == ("It is 42.", False), name
        everything = dict.fromkeys(OPTIONAL) | {"question": "What is it?"} | seats
        result = await session.call_tool("deliberate", everything)
        assert (text_of(result), result.isError) == ("It is 42.", False)
        refused = await session.call_tool("deliberate", {"question": None})
        assert refused.isError


async def test_a_client_hears_from_a_run_whose_members_are_silent(serving: Serving) -> None:
    served = await serving(cast({A: text("Late.").after(1.5)}), keep_alive_s=0.1)
    progress = Progress()
    async with over_http(f"{served.url}/mcp") as session:
        await session.call_tool("deliberate", ASK, progress_callback=progress)
    assert sum(line.startswith("still at work") for line in progress.lines) >= 3


async def test_a_session_holds_with_several_workers(tmp_path: Path) -> None:
    async with command(cast(answer="It is 42."), tmp_path, "--workers", "2") as server:
        for _ in range(3):
            async with over_http(f"{server.url}/mcp") as session:
                for _ in range(3):
                    assert (await session.list_tools()).tools
                result = await session.call_tool("deliberate", ASK)
                assert text_of(result) == "It is 42."
