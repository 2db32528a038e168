import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from aiohttp import web

from langgraph_fusion.cli.commands.doctor import Check, can_run, keys_in, tool_servers
from tests.cli.warm import fusion
from tests.scripted import scripted_server, text
from tests.tools.mcp import real_server
from tests.tools.site import site


def checks(*options: str, **env: str) -> dict[str, Check]:
    ended = fusion("doctor", "--json", *options, env=env)
    assert ended.returncode == 0, ended.stderr
    return {one["name"]: Check(**one) for one in json.loads(ended.stdout)["checks"]}


def test_everything_that_is_missing_comes_with_a_fix() -> None:
    found = checks("--offline")
    assert {"key", "local server", "sandbox engine", "search", "documents", "panel"} <= set(found)
    for check in found.values():
        assert check.ok is not False or check.fix
    assert not found["key"].ok
    assert "OPENROUTER_API_KEY" in found["key"].fix


def test_keys_are_named_and_never_shown() -> None:
    env = {"OPENROUTER_API_KEY": "sk-secret", "TAVILY_API_KEY": "", "OPENAI_API_KEY": "sk-other"}
    found = keys_in(env)
    assert [check.ok for check in found] == [True, True]
    assert "OPENAI_API_KEY" in found[1].found
    assert not any("sk-" in check.found + check.fix for check in found)


def test_without_an_engine_the_report_says_how_to_get_one() -> None:
    engine = checks("--offline", DOCKER_HOST="unix:///nowhere/docker.sock")["sandbox engine"]
    assert engine.ok is False
    assert "Docker" in engine.fix


async def test_a_server_on_this_machine_is_found() -> None:
    async with scripted_server(lambda seen: text("unused")) as server:
        found = await asyncio.to_thread(checks, "--offline", LOCAL_BASE_URL=server.base_url)
    assert found["local server"].ok
    assert server.base_url in found["local server"].found
    assert "`local`" in found["panel"].found


async def test_every_search_engine_that_is_set_up_is_tried_once_with_its_own_key() -> None:
    row = {"url": "https://e.org/", "title": "T"}
    brave = web.json_response({"query": {}, "web": {"results": [row]}})
    pages = {"/web/search": brave, "/search": web.Response(status=401)}
    async with site(pages) as server:
        env = {
            "BRAVE_SEARCH_API_KEY": "sk-brave", "BRAVE_SEARCH_BASE_URL": server.base,
            "EXA_API_KEY": "sk-exa", "EXA_BASE_URL": server.base,
            "SERPER_BASE_URL": server.base, "DDGS_PROXY": "http://127.0.0.1:1",
        }  # fmt: skip
        found = await asyncio.to_thread(checks, **env)
        assert sorted(request.path for request in server.seen) == ["/search", "/web/search"]
    brave_, exa, ddgs = (found[f"search {name}"] for name in ("brave", "exa", "ddgs"))
    assert brave_.ok
    assert "1 hit" in brave_.found
    assert "$0.005" in brave_.found
    assert (exa.ok, exa.fix) == (False, "set EXA_API_KEY anew")
    assert exa.found == "Exa refused EXA_API_KEY (status 401)."
    assert ddgs.ok is False
    assert "search serper" not in found
    assert not any("sk-" in check.found + check.fix for check in found.values())


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert checks("--offline", XDG_CACHE_HOME=str(tmp_path))["documents"].ok is False


def test_a_panel_that_cannot_run_is_the_only_reason_to_fail() -> None:
    missing = Check("key", False, "not set", "set it")
    assert can_run([missing, Check("panel", True, "offline")])
    assert not can_run([missing, Check("panel", False, "ImportError", "reinstall")])


def test_the_report_is_for_reading() -> None:
    shown = fusion("doctor", "--offline")
    assert shown.returncode == 0
    assert "→ export OPENROUTER_API_KEY=…" in shown.stdout
    assert "skipped  search" in shown.stdout


async def test_every_tool_server_is_tried_with_its_tools_or_the_reason_why_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library = f"command = {json.dumps(sys.executable)}\nargs = [{json.dumps(real_server.__file__)}]"
    (tmp_path / "mcp.toml").write_text(
        f"[library]\n{library}\ntools = ['lend', 'steal']\n[absent]\ncommand = 'no-such-program'\n"
        "[locked]\nurl = 'https://e.org/mcp'\nheaders = { Authorization = 'Bearer ${NOT_SET}' }\n"
    )
    monkeypatch.setenv("FUSION_MCP", str(tmp_path / "mcp.toml"))
    found = {check.name: check for check in await tool_servers()}
    there = found["tool server library"]
    assert there.ok
    assert there.found == "1 tool: lend; left out: `steal`: the server has no such tool"
    assert "no program `no-such-program`" in found["tool server absent"].found
    assert found["tool server locked"].found == "NOT_SET not set"
    assert not found["tool server absent"].ok
    (tmp_path / "mcp.toml").write_text("[library]\n")
    (wrong,) = await tool_servers()
    assert "either a command or a url" in wrong.found
    shown = checks("--offline", FUSION_MCP=str(tmp_path / "mcp.toml"))["tool servers"]
    assert shown.ok is None
