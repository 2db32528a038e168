"""The folder where the counts of several worker processes meet, and what dead ones left in it."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder; its name is prometheus_client's."""
_PREFIX = "fusion-metrics-"
_LOCK = "lock"
"""Locked as long as the process lives that made the folder, however it ends."""


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Name a new folder to the workers; remove it at the end, and first those of killed servers."""
    _remove_left_over()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder, _locked(Path(folder)):
        os.environ[MULTIPROCESS] = folder
        yield


def forget_gone_workers(folder: str) -> None:
    """Drop what workers that are gone had under way; what they counted stays."""
    for file in Path(folder).glob("gauge_live*_*.db"):
        found = re.search(r"_(\d+)\.db$", file.name)
        if found and not _lives(int(found[1])):
            mark_process_dead(int(found[1]), folder)  # type: ignore[no-untyped-call]


def _remove_left_over() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError), _locked(folder):  # another user's, or of a server that lives
            shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; raises OSError if somebody else does."""
    import fcntl  # not on Windows, where everything else of the server works

    with (folder / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True  # a sibling: nobody else's process is in this folder
