"""Documents by name: the same on every host, or refused."""

import os
from pathlib import Path

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.named_docs import look_at_all
from langgraph_fusion.graph.preflight.readiness import check_ready, docs_folder, user_prices
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from langgraph_fusion.tools.docs_index.digest import folder_sha256

NAMED = {"preset": "offline", "docs": "named:handbook"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "handbook"
    (folder / "b").mkdir(parents=True)
    (folder / "a.md").write_text("The bridge was built in 1907.")
    (folder / "b" / "c.txt").write_text("By Hanna Lind.")
    return folder


@pytest.fixture
def listed(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "docs.toml"
    file.write_text(f'[handbook]\nfolder = "handbook"\nsha256 = "{folder_sha256(folder)}"\n')
    monkeypatch.setenv("FUSION_DOCS", str(file))
    return file


async def test_documents_are_found_by_name_beside_the_file_that_lists_them(
    listed: Path, folder: Path
) -> None:
    assert docs_folder("named:handbook") == folder
    settings = await check_ready(load_settings(NAMED), user_prices())
    assert settings.docs == "named:handbook"  # what is kept of a run fits every host


async def test_a_host_whose_documents_differ_refuses_them_and_says_so(
    listed: Path, folder: Path
) -> None:
    before = (folder / "a.md").stat()
    (folder / "a.md").write_text("The bridge was built in 1908.")
    os.utime(folder / "a.md", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(ConfigError, match="`handbook` are others on this host") as refused:
        await check_ready(load_settings(NAMED), user_prices())
    assert refused.value.field == "docs"
    assert "handbook" in (await look_at_all())[0].wrong


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "swapped"])
def test_any_change_of_names_or_contents_is_another_hash(folder: Path, change: str) -> None:
    before = folder_sha256(folder)
    match change:
        case "added":
            (folder / "new.md").write_text("x")
        case "removed":
            (folder / "a.md").unlink()
        case "renamed":
            (folder / "a.md").rename(folder / "z.md")
        case "swapped":
            a, c = (folder / "a.md").read_text(), (folder / "b" / "c.txt").read_text()
            (folder / "a.md").write_text(c)
            (folder / "b" / "c.txt").write_text(a)
    assert folder_sha256(folder) != before


async def test_a_folder_that_is_not_there_and_an_unknown_name_are_told_apart(
    listed: Path, folder: Path
) -> None:
    folder.rename(folder.with_name("moved"))
    with pytest.raises(ConfigError, match="there is no folder"):
        await check_ready(load_settings(NAMED), user_prices())
    with pytest.raises(ConfigError, match="There are: `named:handbook`"):
        docs_folder("named:elsewhere")


@pytest.mark.parametrize("content", ["handbook = 1", "[x]\nfolders = 'y'", "[x", ""])
def test_a_list_that_cannot_be_read_is_an_error_with_its_shape(listed: Path, content: str) -> None:
    listed.write_text(content)
    with pytest.raises(ConfigError) as refused:
        docs_folder("named:handbook")
    assert "none; name them in docs.toml" in str(refused.value) or "`folder`" in str(refused.value)


def test_a_client_may_use_documents_by_name_and_no_folder(listed: Path) -> None:
    assert ClientPolicy(default_preset="offline").settings(NAMED).docs == "named:handbook"
    for folder in ("/etc", "handbook", "./named:handbook"):
        with pytest.raises(ConfigError, match="only the operator"):
            ClientPolicy(default_preset="offline").settings({"docs": folder})
