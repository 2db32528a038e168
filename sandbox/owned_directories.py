"""Temporary folders of a pool, each with a record of its owner, to be removed if that dies."""

import contextlib
import json
import logging
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from langgraph_fusion.sandbox.private_files import make_private_file
from langgraph_fusion.sandbox.process_identity import ProcessIdentity, process_scope

log = logging.getLogger(__name__)

PROXY = "fusion-proxy-"
BUBBLEWRAP = "fusion-bubblewrap-"
OWNER = "owner.json"


def make_owned(prefix: str) -> Path:
    """A new folder that only this user may enter."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    make_private_file(folder / OWNER)
    (folder / OWNER).write_text(json.dumps(asdict(ProcessIdentity.current())))
    return folder


@dataclass(frozen=True, slots=True)
class ProxyDirectory:
    """Two folders: the outer keeps this host's other users out, the container sees the inner."""

    outer: Path

    @classmethod
    def make(cls) -> "ProxyDirectory":
        """Make both; nothing but the proxy's socket belongs into the inner."""
        directory = cls(make_owned(PROXY))
        directory.visible.mkdir()
        directory.visible.chmod(0o755)
        return directory

    @property
    def visible(self) -> Path:
        return self.outer / "proxy"

    def remove(self) -> None:
        shutil.rmtree(self.outer, ignore_errors=True)


def remove_abandoned() -> int:
    """Remove what processes of this user have left that are known to be gone; say how many."""
    removed = 0
    temporary = Path(tempfile.gettempdir())
    for folder in (*temporary.glob(f"{PROXY}*"), *temporary.glob(f"{BUBBLEWRAP}*")):
        with contextlib.suppress(OSError):
            ours = folder.lstat().st_uid == os.getuid() and folder.is_dir()
            if ours and _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    if removed:
        log.info("removed %d abandoned folder(s)", removed)
    return removed


def _is_abandoned(folder: Path) -> bool:
    """Whether the owner is gone, or lived before this boot: a socket does not outlive that."""
    if folder.is_symlink():
        return False
    try:
        owner = ProcessIdentity(**json.loads((folder / OWNER).read_text()))
        boot = owner.scope.split("/")[0]
    except (OSError, ValueError, TypeError, AttributeError):
        return False
    mine = process_scope().split("/")[0]
    return owner.is_alive() is False or bool(boot and mine and boot != mine)
