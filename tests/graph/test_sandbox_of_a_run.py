"""bash inside a deliberation, with a real engine: one container a member, none afterwards."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import docker
import pytest

from langgraph_fusion.graph.api import aask, deliberate
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.openrouter.result import hosted_sources, url_citations
from tests.docker_engine import require_docker  # noqa: F401 - a fixture
from tests.graph.cast import (
    JUDGE,
    WRITER,
    A,
    B,
    Part,
    asked_again,
    cast,
    disputed,
    judge,
    settings,
)
from tests.graph.conftest import Fuse, Serve
from tests.scripted import Reply, Seen, broken_stream, hang, text, tool_calls

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("require_docker")]


def _ours(run_id: str) -> list[str]:
    client = docker.from_env()
    label = f"langgraph-fusion.sandbox.run={run_id}"
    found = client.containers.list(all=True, filters={"label": label})
    client.close()
    return [str(one.id) for one in found]


def _computes(command: str) -> Part:
    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return text(f"bash said: {seen.tool_results[-1]}")
        return tool_calls([("bash", {"command": command})])

    return member


async def test_members_have_a_shell_each_that_lasts_for_the_run(fuse: Fuse) -> None:
    first = _computes("echo $((6*7)) > /work/n; cat /work/n")
    later = _computes("cat /work/n")
    script = cast({A: asked_again(first, later), B: text("17"), JUDGE: judge(disputed())})
    fused = await fuse(script, settings(tools=["bash"]))
    texts = [answer.text for answer in fused.result.answers if answer.seat == "A"]
    assert len(texts) == 2
    assert all("42" in text and "exit 0" in text for text in texts), "files last into the follow-up"
    assert not _ours(fused.result.run_id)


async def test_what_a_command_printed_is_cited_like_any_source(
    serve: Serve, tmp_path: Path
) -> None:
    def member(seen: Seen) -> Reply:
        if not seen.tool_results:
            return tool_calls([("bash", {"command": "echo $((6*7)) '`|<source>'"})])
        return text("The product is 42 [A1].")

    found = {"consensus": [{"claim": "It is 42.", "seats": ["A"], "sources": ["A1"]}]}
    parts: dict[str, Reply | Part] = {
        A: member,
        JUDGE: judge(found),
        WRITER: text("It is 42 [A1]. So [A2]."),
    }
    server = await serve(cast(parts))
    chosen = settings(panel=[A], tools=["bash"])
    runs: Any = {"runs": tmp_path / "runs.db"}
    first = await aask("?", chosen)
    run_id = ""
    async with aclosing(deliberate("?", chosen, **runs)) as events:
        async for event in events:
            run_id = str(event.get("run_id", run_id))
            if event["type"] == "judge.started":
                break
    again = await aask("?", chosen, **runs, run_id=run_id)
    assert len(server.seen_by(A)) == 4, "the member of the interrupted run is not asked again"
    shown = server.seen_by(A)[1].tool_results[0]
    assert "\n[to cite this output: A1]\n" in shown
    for model in (JUDGE, WRITER):
        evidence = server.seen_by(model)[0].last
        assert '<source id="A1" title="bash: echo $((6*7)) \'`|&lt;source&gt;\'">' in evidence
        assert "\n42 `|&lt;source>\n[exit 0]\n</source>" in evidence
    for result in (first, again):
        (source,) = result.sources
        assert (source.kind, source.url, source.number) == ("command", "", 1)
        assert result.answer.startswith("It is 42 [1]. So.")
        assert result.answer.endswith("1. `bash: echo $((6*7)) ''|<source>'`")
        assert result.retention.claims == result.retention.citations == 1.0
        assert url_citations(result, result.answer) == []
        assert hosted_sources(result) == []


async def test_a_failing_command_is_a_result_and_no_tool_error(fuse: Fuse) -> None:
    fused = await fuse(cast({A: _computes("exit 3")}), settings(tools=["bash"]))
    assert "exit 3" in fused.result.answers[0].text
    assert fused.result.answers[0].tool_errors == 0


async def test_a_caller_that_goes_away_leaves_no_container(serve: Serve) -> None:
    await serve(cast({A: _computes("sleep 60"), B: hang()}))
    run_id = ""
    events = deliberate("?", settings(tools=["bash"]))
    async for event in events:
        run_id = run_id or event.get("run_id", "")
        if event["type"] == "member.tool":
            break
    await asyncio.sleep(1)
    assert _ours(run_id)
    await asyncio.wait_for(events.aclose(), 15)
    assert not _ours(run_id)


@pytest.mark.parametrize("place", ["mid-run", "follow-up", "judge", "writer"])
async def test_a_fault_leaves_no_container(fuse: Fuse, place: str) -> None:
    computes, fault = _computes("echo $((6*7))"), broken_stream("Half an answer")
    failing: dict[str, dict[str, Reply | Part]] = {
        "mid-run": {A: lambda seen: fault if seen.tool_results else computes(seen)},
        "follow-up": {A: asked_again(computes, fault)},
        "judge": {A: computes, JUDGE: fault},
        "writer": {A: computes, WRITER: fault},
    }
    script = cast({JUDGE: judge(disputed(), {}), **failing[place]})
    panel = [A, {"model": B, "tools": []}]
    fused = await fuse(script, settings(panel=panel, tools=["bash"]))
    assert fused.result.answer
    assert any(call.error for call in fused.result.bill.calls)
    assert not _ours(fused.result.run_id)


async def test_members_get_files_and_what_they_leave_is_kept(fuse: Fuse, tmp_path: Path) -> None:
    table = tmp_path / "data.csv"
    table.write_text("n\n20\n22\n")
    counts = "mkdir -p out; awk 'NR>1{s+=$1} END{print s}' data.csv > out/sum.txt; cat out/sum.txt"
    script = cast({A: _computes(counts), B: _computes("echo x >> data.csv")})
    out = tmp_path / "kept"
    fused = await fuse(script, settings(tools=["bash"]), files=[table], out=out)
    assert "data.csv" in fused.server.seen_by(A)[0].system
    assert [(one.seat, one.path) for one in fused.result.files] == [("A", str(out / "A/sum.txt"))]
    assert (out / "A" / "sum.txt").read_text() == "42\n"
    assert "exit 0" not in fused.result.answers[1].text, "the copy is read-only"


async def test_files_that_cannot_be_given_are_refused_before_anything_starts(
    fuse: Fuse, tmp_path: Path
) -> None:
    wrong = {"there is no file": tmp_path / "missing.csv", "is a folder": tmp_path}
    for said, file in wrong.items():
        with pytest.raises(ConfigError, match=said):
            await fuse(cast(), settings(tools=["bash"]), files=[file])


async def test_a_resumed_member_runs_no_command_again_and_learns_that_its_files_are_gone(
    serve: Serve, tmp_path: Path
) -> None:
    def member(seen: Seen) -> Reply:
        if not seen.tool_results:
            return tool_calls(
                [("bash", {"command": "mkdir -p out; echo ran-once > out/a; cat out/a"})]
            )
        if len(seen.tool_results) == 1:
            return tool_calls([("bash", {"command": "ls /work/out; cat /work/notes.txt"})])
        return text("Done with it.") if resumed else hang()

    resumed, run_id = False, ""
    (tmp_path / "notes.txt").write_text("what the reader gave")
    server = await serve(cast({A: member}))
    given: Any = {
        "files": [tmp_path / "notes.txt"], "out": tmp_path / "out", "runs": tmp_path / "runs.db"
    }  # fmt: skip
    chosen = settings(panel=[A], tools=["bash"])
    async with aclosing(deliberate("?", chosen, **given)) as events:
        async for event in events:
            run_id = str(event.get("run_id", run_id))
            if event["type"] == "member.tool_done":
                break
    resumed = True
    result = await aask("?", chosen, **given, run_id=run_id)
    first, second = server.seen_by(A)[-1].tool_results
    assert first.startswith("ran-once"), "the first command's result is given back"
    assert "what the reader gave" in second, "files are copied in again"
    assert "This sandbox is a new one" in second
    assert "ran-once" not in second
    assert "files_lost" in result.degraded
    assert result.answers[0].tool_calls == 2
    assert not _ours(run_id)
