"""The folder that workers share, among what other users put into the same directory."""

import os
from pathlib import Path

import pytest

from langgraph_fusion.server.observability.metrics import MULTIPROCESS, shared_metrics


@pytest.fixture
def shared_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files in which others have been."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv(MULTIPROCESS, "")
    return tmp_path


def test_a_planted_link_is_not_followed_and_its_file_stays_as_it_was(shared_tmp: Path) -> None:
    precious = shared_tmp / "precious"
    precious.write_text("keep me")
    folder = shared_tmp / "fusion-metrics-planted"
    folder.mkdir()
    (folder / "lock").symlink_to(precious)
    (shared_tmp / "fusion-metrics-link").symlink_to(shared_tmp)
    dangling = shared_tmp / "fusion-metrics-dangling"
    dangling.mkdir()
    (dangling / "lock").symlink_to(shared_tmp / "made")
    with shared_metrics():
        pass
    assert precious.read_text() == "keep me"
    assert folder.is_dir()
    assert not (shared_tmp / "made").exists()


def test_a_hard_link_is_not_emptied(shared_tmp: Path) -> None:
    precious = shared_tmp / "precious"
    precious.write_text("keep me")
    folder = shared_tmp / "fusion-metrics-hard"
    folder.mkdir()
    os.link(precious, folder / "lock")
    with shared_metrics():
        pass
    assert precious.read_text() == "keep me"


def test_a_pipe_in_the_place_of_the_lock_holds_nothing_up(shared_tmp: Path) -> None:
    folder = shared_tmp / "fusion-metrics-pipe"
    folder.mkdir()
    os.mkfifo(folder / "lock")
    with shared_metrics():
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_is_left_alone(shared_tmp: Path) -> None:
    folder = shared_tmp / "fusion-metrics-theirs"
    folder.mkdir()
    (folder / "lock").touch()
    os.chown(folder, 1234, 1234)
    with shared_metrics():
        pass
    assert (folder / "lock").exists()


def test_the_folder_is_its_owners_alone_whatever_the_umask(shared_tmp: Path) -> None:
    before = os.umask(0)
    try:
        with shared_metrics():
            folder = Path(os.environ[MULTIPROCESS])
            modes = [one.stat().st_mode & 0o077 for one in (folder, *folder.iterdir())]
    finally:
        os.umask(before)
    assert set(modes) == {0}
    assert not folder.exists()
