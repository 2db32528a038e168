"""The run's documents as read-only files of bash, in both kinds of sandbox."""

import os
from pathlib import Path

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.document_copies import read_below
from tests.bubblewrap import require_bubblewrap  # noqa: F401 - a fixture
from tests.docker_engine import require_docker  # noqa: F401 - a fixture
from tests.graph.cast import A, Part, cast, settings
from tests.graph.conftest import Fuse, Fused
from tests.scripted import Reply, Seen, text, tool_calls


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.docker), "bubblewrap"])
def engine(request: pytest.FixtureRequest) -> str:
    request.getfixturevalue(f"require_{request.param}")
    return str(request.param)


def runs(*commands: str) -> Part:
    def member(seen: Seen) -> Reply:
        done = len(seen.tool_results)
        if done < len(commands):
            return tool_calls([("bash", {"command": commands[done]})])
        return text("Done.")

    return member


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with odd names, links of every kind, and files that do not fit."""
    (tmp_path / "secret.txt").write_text("the host's own secret")
    folder = tmp_path / "documents"
    (folder / "a b" / "ünder").mkdir(parents=True)
    (folder / "table.csv").write_text("n\n20\n22\n")
    (folder / "a b" / "ünder" / "-rf 'x'.md").write_text("# Deep\n\nHerons.\n")
    (folder / "picture.png").write_bytes(bytes(range(256)))
    (folder / ".hidden").write_text("hidden")
    (folder / "inside.csv").symlink_to("table.csv")
    (folder / "outside.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "etc").symlink_to("/etc")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe.txt")
    (folder / "large.txt").write_bytes(b"x" * (1 << 20))
    (folder / "huge.txt").write_bytes(b"x" * (3 << 20))
    return folder


async def fused_in(engine: str, fuse: Fuse, folder: Path, *commands: str) -> list[str]:
    fused = await fused_with(engine, fuse, folder, runs(*commands))
    return fused.server.seen_by(A)[-1].tool_results


async def fused_with(engine: str, fuse: Fuse, folder: Path, member: Part) -> Fused:
    chosen = settings(
        panel=[A],
        tools=["docs", "bash"],
        docs=str(folder),
        sandbox={"kind": engine, "work_mb": 8, "max_file_mb": 2},
    )
    return await fuse(cast({A: member}), chosen)


async def test_bash_reads_the_documents_and_nothing_else_of_the_host(
    engine: str, fuse: Fuse, folder: Path
) -> None:
    listed, read, summed = await fused_in(
        engine,
        fuse,
        folder,
        "cd docs && find . -type f | sort && find . -type l",
        "cd /work/docs; cat 'a b/ünder/'*; wc -c < picture.png; cat large.txt | wc -c",
        "awk 'NR>1{s+=$1} END{print s}' table.csv inside.csv",
    )
    names = listed.split("\n[")[0].split("\n")
    deep = "./a b/ünder/-rf 'x'.md"
    assert names == [deep, "./inside.csv", "./large.txt", "./picture.png", "./table.csv"]
    assert "huge.txt (3145728 bytes, at most" in listed
    assert "outside.txt (a link that leads out of the folder)" in listed
    assert "secret" not in listed
    assert "not in /work/docs" not in read, "said once"
    assert read.startswith("# Deep\n\nHerons.\n256\n1048576\n")
    assert summed.startswith("84\n")


async def test_the_copies_cannot_be_changed_by_a_slip(
    engine: str, fuse: Fuse, folder: Path
) -> None:
    (tried,) = await fused_in(
        engine,
        fuse,
        folder,
        "cd docs; echo x >> table.csv; echo x > new.txt; rm -f table.csv; mv 'a b' c; cat *.csv",
    )
    assert tried.count("Permission denied") == 4
    assert "n\n20\n22\nn\n20\n22\n" in tried
    assert (folder / "table.csv").read_text() == "n\n20\n22\n"


async def test_a_fresh_sandbox_has_the_documents_again(
    engine: str, fuse: Fuse, folder: Path
) -> None:
    lost, again = await fused_in(
        engine, fuse, folder, "kill -9 -1; kill -9 0", "cat /work/docs/table.csv"
    )
    assert "killed" in lost
    assert again.startswith("n\n20\n22\n")


async def test_who_has_no_docs_tools_has_no_documents_in_bash(
    engine: str, fuse: Fuse, folder: Path
) -> None:
    panel = [{"model": A, "tools": ["bash"]}, {"model": "m/b", "tools": ["docs"]}]
    chosen = settings(
        panel=panel, tools=["docs", "bash"], docs=str(folder), sandbox={"kind": engine}
    )
    fused = await fuse(cast({A: runs("ls /work")}), chosen)
    seen = fused.server.seen_by(A)[-1]
    assert seen.tool_results[0].startswith("[exit 0")
    assert "/work/docs" not in seen.system


async def test_the_member_is_told_where_the_documents_are(
    engine: str, fuse: Fuse, folder: Path
) -> None:
    fused = await fused_with(engine, fuse, folder, runs())
    assert (
        "Read-only copies of the documents are in /work/docs" in fused.server.seen_by(A)[0].system
    )


async def test_a_file_with_the_name_of_the_documents_folder_is_refused(
    fuse: Fuse, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "docs").write_text("x")
    chosen = settings(panel=[A], tools=["docs", "bash"], docs=str(folder))
    with pytest.raises(ConfigError, match="rename it"):
        await fuse(cast(), chosen, files=[tmp_path / "docs"])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("outside.txt", "out of the folder"),
        ("../secret.txt", "out of the folder"),
        ("etc/passwd", "out of the folder"),
        ("pipe.txt", "no regular file"),
        ("gone", "No such file"),
    ],
)
def test_what_is_not_a_file_of_the_folder_is_not_read(folder: Path, name: str, why: str) -> None:
    with pytest.raises(OSError, match=why):
        read_below(folder.resolve(), name, 1 << 20)


def test_a_file_that_grew_is_not_read(folder: Path) -> None:
    assert read_below(folder.resolve(), "inside.csv", 8) == b"n\n20\n22\n"
    with pytest.raises(OSError, match="grew"):
        read_below(folder.resolve(), "table.csv", 3)
