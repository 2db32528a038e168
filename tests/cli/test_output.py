"""`--file` and `--out` as a user meets them: the command, scripted members, real containers."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.cli.warm import fusion
from tests.docker_engine import require_docker
from tests.graph.cast import JUDGE, WRITER, A, B, Part, cast
from tests.scripted import Reply, ScriptedServer, Seen, scripted_server, text, tool_calls

__all__ = ["require_docker"]

PANEL = ("--panel", f"{A},{B}", "--judge", JUDGE, "--writer", WRITER)


def runs(command: str) -> Part:
    """A member that runs one command and reports what it saw."""

    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return text(f"bash said: {seen.tool_results[-1]}")
        return tool_calls([("bash", {"command": command})])

    return member


async def ask(
    tmp_path: Path, *options: str, members: dict[str, Part] | None = None, tools: str = "bash"
) -> tuple["subprocess.CompletedProcess[str]", ScriptedServer]:
    async with scripted_server(cast(members)) as server:
        keys = {"OPENROUTER_API_KEY": "sk-test", "OPENROUTER_BASE_URL": server.base_url}
        words = ("ask", *PANEL, "--tools", tools, *options, "What is the sum?")
        home = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_STATE_HOME": str(tmp_path / "s")}
        ended = await asyncio.to_thread(fusion, *words, env=keys | home)
        return ended, server


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_members_read_the_file_and_the_user_gets_what_they_leave(tmp_path: Path) -> None:
    table, out = tmp_path / "data.csv", tmp_path / "results"
    table.write_text("n\n20\n22\n")
    adds = "mkdir -p out/sub; awk '{s+=$1} END{print s}' data.csv > out/sub/sum.txt"
    members = {A: runs(adds), B: runs("cat data.csv; echo 1 >> data.csv")}
    ended, server = await ask(
        tmp_path, "--file", str(table), "--out", str(out), "--json", members=members
    )
    assert ended.returncode == 0, ended.stderr
    assert (below(out), (out / "A/sub/sum.txt").read_text()) == (["A/sub/sum.txt"], "42\n")
    assert f"kept 1 file in {out}: A/sub/sum.txt\n" in ended.stderr
    assert str(out / "A/sub/sum.txt") in ended.stdout
    (said,) = server.seen_by(B)[-1].tool_results
    assert "20\n22\n" in said
    assert "Permission denied" in said
    assert table.read_text() == "n\n20\n22\n"


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_members_that_leave_nothing_are_said_to(tmp_path: Path) -> None:
    out = tmp_path / "results"
    ended, _ = await ask(tmp_path, "--out", str(out), members={A: runs("echo hello")})
    assert ended.returncode == 0, ended.stderr
    assert f"no member left a file in /work/out, so there is none in {out}\n" in ended.stderr
    assert not out.exists()


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_hostile_names_and_links_are_named_and_stay_where_they_are(tmp_path: Path) -> None:
    out = tmp_path / "results"
    plants = (
        "mkdir -p out; echo 1 > out/fine; echo 2 > $'out/\\e[31mred\\nname';"
        "ln -s /etc/passwd out/l; echo 3 > 'out/..\\..\\x'"
    )
    ended, _ = await ask(tmp_path, "--out", str(out), members={A: runs(plants)})
    assert ended.returncode == 0, ended.stderr
    assert below(out) == ["A/fine"]
    assert r"Not kept: A's '\x1b[31mred\nname': the name has characters" in ended.stderr
    assert "\x1b" not in ended.stderr
    assert "root:" not in (out / "A/fine").read_text()


@pytest.mark.parametrize(
    ("options", "tools", "expected"),
    [
        (("--file", "{here}/missing.csv"), "bash", "there is no file"),
        (("--file", "{here}"), "bash", "is a folder; name its files"),
        (("--file", "{here}/a/t.csv", "--file", "{here}/b/t.csv"), "bash", "rename one"),
        (("--out", "{here}/new"), "none", "add bash to `tools`"),
        (("--out", "{here}/a/t.csv"), "bash", "this is a file; name a folder"),
        (("--out", "{here}/a/t.csv/new"), "bash", "choose another folder"),
        (("--out", "{here}/kept"), "bash", "kept/B/old.txt is there already"),
    ],
)
async def test_what_cannot_work_is_refused_before_a_model_is_asked(
    options: tuple[str, ...], tools: str, expected: str, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text("1\n")
    (tmp_path / "kept/B").mkdir(parents=True)
    (tmp_path / "kept/B/old.txt").write_text("mine")
    given = [option.format(here=tmp_path) for option in options]
    ended, server = await ask(tmp_path, *given, tools=tools)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert expected in ended.stderr
    assert server.requests == []
    assert (tmp_path / "kept/B/old.txt").read_text() == "mine"
