from pathlib import Path

import pytest

from langgraph_fusion.sandbox import SandboxFileError
from langgraph_fusion.sandbox.docker import DockerSandbox
from langgraph_fusion.sandbox.files import copy_in, copy_out, safe_name


@pytest.mark.parametrize("name", ["a", "sub/b c.csv", "ünïcode.txt", ".hidden"])
def test_an_honest_name_is_kept(name: str) -> None:
    assert safe_name(name) == Path(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/../../x", "/etc/x", "a\nb", "\x1b[2J", "\u202e", "C:x", "a\\b"),
        *("x" * 300, "d/" * 20 + "x"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(SandboxFileError):
        safe_name(name)


@pytest.mark.docker
async def test_files_are_copied_in_and_out(sandbox: DockerSandbox, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1,2\n")
    assert await copy_in(sandbox, [tmp_path / "data.csv"]) == ["data.csv"]
    await sandbox.run(
        "mkdir -p out/sub; cp data.csv out/sub/copy.csv; echo new > out/old; echo x > $'out/a\\nb'"
    )
    into = tmp_path / "out"
    into.mkdir()
    (into / "old").write_text("mine")
    copied = await copy_out(sandbox, into)
    assert copied.files == (into / "sub" / "copy.csv",)
    assert copied.files[0].read_text() == "1,2\n"
    assert (into / "old").read_text() == "mine"
    assert len(copied.skipped) == 2


@pytest.mark.docker
async def test_files_that_cannot_be_copied_in_are_named(
    sandbox: DockerSandbox, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    for folder in (tmp_path, tmp_path / "a"):
        (folder / "same").write_text("x")
    with pytest.raises(SandboxFileError, match="two files"):
        await copy_in(sandbox, [tmp_path / "same", tmp_path / "a" / "same"])
    with pytest.raises(SandboxFileError, match="missing"):
        await copy_in(sandbox, [tmp_path / "missing"])
