"""Whatever the umask, nobody else of this machine can read or write what the product keeps."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.sandbox.private_files import make_private_file, make_private_folder
from langgraph_fusion.server.keys.key import Caps
from tests.cli.processes import FUSION, run
from tests.graph.cast import cast
from tests.server.asking import asking
from tests.server.blocking_keys import BlockingKeys
from tests.server.command import served

UMASKS = [0o000, 0o002, 0o277, 0o777]


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request: Any) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def open_to_others(place: Path) -> list[str]:
    """Files and folders that others have a right to, and that no closed folder keeps from them."""
    found = []
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_IMODE(mode) & 0o077 and not path.is_symlink():
                found.append(f"{path} {oct(stat.S_IMODE(mode))}")
    return found


async def test_all_that_the_server_and_the_command_write_is_their_users_alone(
    tmp_path: Path,
) -> None:
    place, tmp, docs = tmp_path / "home", tmp_path / "tmp", tmp_path / "docs"
    for one in (tmp, docs):
        one.mkdir()
    (docs / "a.md").write_text("# Seats\n\nA seat is a place on the panel.\n")
    env = {"TMPDIR": str(tmp), "FUSION_KEEP_RUNS": "1"}
    before = os.umask(0)
    try:
        given = env | {f"XDG_{name}_HOME": str(place) for name in ("DATA", "CACHE", "CONFIG")}
        BlockingKeys(place / "keys" / "keys.db").create()
        question = ["ask", "What is a seat?", "-p", "offline", "--docs", str(docs)]
        asked = run(*FUSION, *question, cwd=tmp_path, env=given, timeout_s=300)
        assert asked.returncode == 0, asked.stderr
        async with served(cast(), place, "--workers", "2", env=env) as server:
            await server.client.chat.completions.create(**asking())
            assert open_to_others(tmp) == []
            await server.log_after(signal.SIGTERM)
    finally:
        os.umask(before)
    made = {path.name for path in place.rglob("*")}
    assert {"keys.db", "runs.db", "docs"} <= made
    assert open_to_others(place) == []


def test_a_file_and_its_folders_are_made_closed(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "a" / "b" / "file"
    make_private_folder(file.parent)
    make_private_file(file)
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (file, file.parent, file.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640, 0o604, 0o777])
def test_a_file_of_keys_that_is_open_to_others_is_closed(tmp_path: Path, mode: int) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    token = ring.add("ada", Caps())
    (tmp_path / "keys.db").chmod(mode)
    assert ring.find(token)
    assert (tmp_path / "keys.db").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's file")
def test_another_users_open_file_of_keys_is_refused_if_it_cannot_be_closed(tmp_path: Path) -> None:
    file = tmp_path / "keys.db"
    BlockingKeys(file).create()
    file.chmod(0o666)
    os.chown(file, 1234, 1234)
    with pytest.raises(ConfigError, match="belongs to another user") as raised:
        BlockingKeys(file).create()
    assert "chmod 600" in str(raised.value)
