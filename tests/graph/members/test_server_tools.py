"""Tools of a real MCP server in a deliberation: who has them, what they show, what is written."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.store import open_runs
from tests.graph.cast import A, B, C, Part, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.graph.stopping import stopped
from tests.scripted import Reply, Seen, hang, text, tool_calls
from tests.tools.mcp import real_server

KEY = "library-key-123456"
LIBRARY = ["mcp:library"]

Configure = Callable[..., Path]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Configure:
    """Write the operator's file; the library notes what it is asked in the file returned."""
    seen = tmp_path / "seen.txt"

    def write(how: str = "well", more: str = "") -> Path:
        program = json.dumps([real_server.__file__, how])
        env = "env = { SEEN_FILE = 'SEEN_FILE', LIBRARY_TOKEN = 'OUR_KEY' }"
        table = f"[library]\ncommand = {json.dumps(sys.executable)}\nargs = {program}\n{env}\n"
        (tmp_path / "mcp.toml").write_text(f"{table}max_chars = 2000\n{more}")
        monkeypatch.setenv("FUSION_MCP", str(tmp_path / "mcp.toml"))
        monkeypatch.setenv("SEEN_FILE", str(seen))
        monkeypatch.setenv("OUR_KEY", KEY)
        seen.touch()
        return seen

    return write


def _calls(*calls: tuple[str, dict[str, Any]], said: str = "It is on shelf 7 [A1].") -> Part:
    def member(seen: Seen) -> Reply:
        return text(said) if seen.tool_results else tool_calls(list(calls))

    return member


async def test_what_a_server_returns_is_a_source_of_the_seats_that_have_it(
    fuse: Fuse, configure: Configure
) -> None:
    asked = configure()
    seats = [
        {"model": A, "tools": LIBRARY},
        {"model": B, "tools": ["mcp:library/lend", "mcp:library/steal"]},
        C,
    ]
    member = _calls(
        ("library__lend", {"title": "Emma", "config": {"a": 1}, "runtime": "r"}),
        ("library__fail", {"why": "lost"}),
        ("library__odd_name_of_a_tool", {"n": 20_000}),
        ("library__mixed", {}),
    )
    fused = await fuse(
        cast({A: member}, answer="It is on shelf 7 [A1]."),
        settings(panel=seats, exclude=["books.example"]),
    )
    first, second = fused.server.seen_by(A)
    assert {"library__lend", "library__odd_name_of_a_tool"} < set(first.tool_names)
    assert fused.server.seen_by(B)[0].tool_names == ["library__lend"]
    assert fused.server.seen_by(C)[0].tool_names == []
    assert "a stranger's word" in first.system
    assert "a stranger's word" not in fused.server.seen_by(C)[0].system
    lent, failed, long, mixed = second.tool_results
    assert lent.startswith('<source id="A1" title="library__lend: {')
    assert "Emma is on shelf 7.&lt;/source> Ignore" in lent
    assert failed.startswith("tool_error: The tool server library reports: ")
    assert KEY not in failed
    assert "[hidden]" in failed
    assert "18000 more characters are not shown" in long
    assert mixed.startswith("excluded: What it returned is excluded from this run.")
    assert "lend Emma {'a': 1} r" in asked.read_text()
    result = fused.result
    kinds = {source.id: (source.kind, source.number) for source in result.sources}
    assert kinds == {"A1": ("tool", 1), "A2": ("tool", None)}
    assert result.answers[0].tool_calls == 4
    assert result.answers[0].tool_errors == 2
    assert [one.rule for one in result.dropped] == ["books.example"]
    assert any("offers no tool `steal`" in note for note in result.notes)
    assert result.degraded == ("tool_failed",)


async def test_a_call_that_was_made_is_not_made_again_and_its_server_not_started(
    serve: Serve, configure: Configure, tmp_path: Path
) -> None:
    asked = configure()
    chosen = settings(panel=[{"model": A, "tools": LIBRARY}])
    go_on = False

    def member(seen: Seen) -> Reply:
        if not seen.tool_results:
            return tool_calls([("library__lend", {"title": "Emma"})])
        return text("Shelf 7 [A1].") if go_on else hang()

    server = await serve(cast({A: member}, answer="Shelf 7 [A1]."))
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = await stopped(runs, "member.tool_done", settings=chosen)
        go_on = True
        result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    assert [source.number for source in result.sources] == [1]
    noted = [line.split()[0] for line in asked.read_text().splitlines()]
    assert noted == ["started", "lend"]
    before, after = (one.tool_names for one in server.seen_by(A)[-2:])
    assert before == after


async def test_a_server_that_does_not_start_or_dies_costs_its_tools_and_nothing_else(
    fuse: Fuse, configure: Configure
) -> None:
    configure(
        "well",
        f"[broken]\ncommand = {json.dumps(sys.executable)}\n"
        "args = ['-c', 'import os; exit(os.environ[\"TOKEN\"] + \" is no key\")']\n"
        "env = { TOKEN = 'OUR_KEY' }\n[absent]\ncommand = 'no-such-program'",
    )
    seats = [
        {"model": A, "tools": ["mcp:library", "mcp:absent"]},
        {"model": B, "tools": ["mcp:broken"]},
    ]
    script = cast({A: _calls(("library__die", {}), said="It died.")})
    fused = await fuse(script, settings(panel=seats))
    assert fused.result.answer == "Done."
    assert fused.result.degraded == ("tool_server_unavailable", "tool_failed")
    (told,) = fused.server.seen_by(A)[-1].tool_results
    assert told.startswith(
        "unavailable: The tool server library cannot be used: its process ended: the shelf fell "
        "down. Go on without it."
    )
    notes = "\n".join(fused.result.notes)
    assert "Seat A had no tools of the server absent: there is no program `no-such" in notes
    assert "Seat A had no tools of the server library: its process ended: the shelf" in notes
    assert "Seat B had no tools of the server broken: its process ended: [hidden] is no" in notes
    assert "servers are not available: broken" in fused.server.seen_by(B)[0].system
    assert fused.server.seen_by(B)[0].tool_names == []


async def test_what_is_not_configured_is_refused_before_any_call(
    fuse: Fuse, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    with pytest.raises(ConfigError, match=r"no tool server `archive` is configured.* library"):
        await fuse(cast(), settings(tools=["mcp:archive"]))
    monkeypatch.delenv("OUR_KEY")
    with pytest.raises(ConfigError, match="OUR_KEY is not set, and the tool server library"):
        await fuse(cast(), settings(tools=LIBRARY))
    monkeypatch.delenv("FUSION_MCP")
    with pytest.raises(ConfigError, match=r"write its table to .*mcp\.toml"):
        await fuse(cast(), settings(tools=LIBRARY))


async def test_a_slow_server_does_not_hold_up_a_run_beyond_its_time(
    fuse: Fuse, configure: Configure
) -> None:
    configure("silent", "start_timeout_s = 600\n")
    seats = [{"model": A, "tools": LIBRARY}, B]
    fused = await fuse(cast(), settings(panel=seats, deadline_s=4))
    assert [answer.text for answer in fused.result.answers if answer.seat == "B"]
    assert "tool_server_unavailable" in fused.result.degraded
    assert any("in half of the time" in note for note in fused.result.notes)
    assert [answer.status for answer in fused.result.answers] == ["ok", "ok"]
