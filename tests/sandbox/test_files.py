import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.sandbox import SandboxFileError
from langgraph_fusion.sandbox.exec_result import one_line
from langgraph_fusion.sandbox.files import copy_in, copy_out, safe_name, write_new
from langgraph_fusion.sandbox.member_sandbox import MemberSandbox


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "sub/b c.csv",
        "ünïcode.txt",
        "e\u0301.md",
        "データ (2).csv",
        "😀.png",
        "__init__.py",
        "a=b,c@d+e.txt",
    ],
)
def test_an_honest_name_is_kept(name: str) -> None:
    assert safe_name(name) == Path(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/../../x", "/etc/x", "a\nb", "\x1b[2J", "\u202e", "C:x", "a\\b"),
        *("x" * 300, "d/" * 20 + "x", "a//b", "./a", "a/", "a/./b"),
        # what git, a shell or a program given all names would act upon
        *(".git/config", "sub/.git/x", ".GIT/x", ".bashrc", ".", "-rf", "a/-rf", "--checkpoint=1"),
        *("_darcs/prefs/defaults", "CVS/Root", "a/_FOSSIL_", "_mtn/x", "cvs"),
        *(
            "HEAD",
            "repo/HEAD",
            "head",
            "$(id)",
            "`id`",
            ";id",
            "a;b",
            "a&b",
            "a|b",
            "~",
            "#x",
            "!x",
        ),
        *("q'q", 'q"q', "a*b", "a?b", "@file", "+!id", "=cmd", "a%b", "a{b", "$HOME", "git~1"),
        # what Windows or a desktop takes for something else
        *("NUL", "con.txt", "aux", "Com1.log", "LPT¹", "desktop.ini", "AUTORUN.INF", "x.lnk"),
        *(
            "x.desktop",
            "x.url",
            "x.scf",
            " lead",
            "trail ",
            "dot.",
            "x/dot./y",
            "x.library-ms",
            "aux .txt",
            "git.exe",
            "ls.BAT",
            "ls.vbs",
            "x.theme",
            "x.search-ms",
            "_vimrc",
        ),
        # what looks like another name, or like nothing
        *("zw\u200bx", "rlm\u200fx", "lsep\u2028x", "tag\U000e0041x", "bom\ufeffx", "shy\u00adx"),
        *(
            "vs\ufe0fx",
            "nel\u0085x",
            "\uff0egit/config",
            "\u2024git",
            "a\uff0fb",
            "\u3164",
            "\ud800",
        ),
    ],
)
def test_a_name_that_does_anything_is_refused(name: str) -> None:
    with pytest.raises(SandboxFileError):
        safe_name(name)


@given(st.text())
def test_no_name_leads_out_or_begins_like_something_else(name: str) -> None:
    with contextlib.suppress(SandboxFileError):
        parts = safe_name(name).parts
        assert all(part[0] not in ".-+@=~ " for part in parts)
        assert Path("/into", *parts).resolve().is_relative_to("/into")
        assert one_line(name) == name


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "link").symlink_to(tmp_path)
    with pytest.raises(SandboxFileError, match="link"):
        write_new(tmp_path / "into", tmp_path / "into" / "link" / "sub" / "x", b"")
    assert not (tmp_path / "sub").exists()


@pytest.mark.docker
async def test_a_repository_that_comes_out_runs_nothing(
    sandbox: MemberSandbox, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    config = f"git config core.fsmonitor 'touch {marker}; false'"
    result = await sandbox.run(
        f"mkdir out && cd out && git init -q . && {config} && cd .git && mkdir -p bare/objects/a "
        "bare/refs/a && cp HEAD config bare && mv bare .. && touch ../bare/{objects,refs}/a/b && "
        "echo report > ../report.md; chmod 6755 ../report.md; touch -d 2001-01-01 ../report.md"
    )
    assert result.exit_code == 0, result.output
    copied = await copy_out(sandbox, tmp_path / "A")
    assert tmp_path / "A" / "report.md" in copied.files
    for folder in (tmp_path / "A", tmp_path / "A" / "bare"):
        subprocess.run(["git", "status"], cwd=folder, capture_output=True)
    assert not marker.exists()
    about = (tmp_path / "A" / "report.md").stat()
    assert about.st_mode & 0o7111 == 0
    assert about.st_mtime > 1e9 + 1e8
    assert any(".git" in why for why in copied.skipped)


HARM = {
    "1500 nested directories": (
        "cd out; python3 -c \"\nimport os\nfor i in range(1500):\n  os.mkdir('d'); os.chdir('d')\"",
        "too deep",
    ),
    "paths that are too long": (
        "cd out; d=$(printf 'x%.0s' {1..250}); for i in {1..16}; do mkdir $d; cd $d; done; touch y",
        "too long",
    ),
    "a closed directory": ("mkdir out/x; chmod 0 out/x", "Permission denied"),
    "too many files": ("touch out/x{1..30}", "beyond 20 files"),
    "a repository of many files": ("mkdir out/.git; touch out/.git/{1..30}", "beyond 20 files"),
}


@pytest.mark.docker
@pytest.mark.parametrize("harm", HARM)
async def test_what_cannot_come_is_said_and_costs_nothing_else(
    sandbox: MemberSandbox, tmp_path: Path, harm: str
) -> None:
    command, reason = HARM[harm]
    result = await sandbox.run(f"mkdir out; echo good > out/0good; {command}")
    assert result.exit_code == 0, result.output
    copied = await copy_out(sandbox, tmp_path, max_files=20)
    assert tmp_path / "0good" in copied.files
    assert any(reason in why for why in copied.skipped), copied.skipped


@pytest.mark.docker
async def test_very_long_names_come_out_in_full(sandbox: MemberSandbox, tmp_path: Path) -> None:
    deep = "p = '/'.join(['\U0001f600' * 60] * 14); os.makedirs(p); os.chdir(p)"
    names = "[open('\U0001f600' * 50 + str(i), 'w').close() for i in range(30)]"
    result = await sandbox.run(f'mkdir out; cd out; python3 -c "import os; {deep}; {names}"')
    assert result.exit_code == 0, result.output
    found = await sandbox.list_files()
    assert (len(found), found.left_out) == (30, ())
    assert await sandbox.get(f"/work/out/{found[0].path}") == b""


@pytest.mark.docker
@pytest.mark.parametrize("place", ["echo > out", "ln -s /etc out", "mkdir out; chmod 0 out"])
async def test_a_place_that_is_no_folder_is_said(
    sandbox: MemberSandbox, tmp_path: Path, place: str
) -> None:
    await sandbox.run(place)
    copied = await copy_out(sandbox, tmp_path)
    assert (copied.files, len(copied.skipped)) == ((), 1)


@pytest.mark.docker
async def test_files_are_copied_in_and_out(sandbox: MemberSandbox, tmp_path: Path) -> None:
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
    sandbox: MemberSandbox, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    for folder in (tmp_path, tmp_path / "a"):
        (folder / "same").write_text("x")
    with pytest.raises(SandboxFileError, match="two files"):
        await copy_in(sandbox, [tmp_path / "same", tmp_path / "a" / "same"])
    with pytest.raises(SandboxFileError, match="missing"):
        await copy_in(sandbox, [tmp_path / "missing"])
