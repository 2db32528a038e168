"""The folder of this host that a container sees: it holds the proxy's socket and nothing else."""

import contextlib
import json
import logging
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from langgraph_fusion.sandbox.process_identity import ProcessIdentity, process_scope

log = logging.getLogger(__name__)

PREFIX = "fusion-proxy-"
OWNER = "owner.json"


@dataclass(frozen=True, slots=True)
class ProxyDirectory:
    """Two folders: the outer keeps this host's other users out, the container sees the inner."""

    outer: Path

    @classmethod
    def make(cls) -> "ProxyDirectory":
        """Make both, and write down who owns them."""
        directory = cls(Path(tempfile.mkdtemp(prefix=PREFIX)))
        (directory.outer / OWNER).write_text(json.dumps(asdict(ProcessIdentity.current())))
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
    for outer in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            about = outer.lstat()
            if about.st_uid == os.getuid() and outer.is_dir() and _is_abandoned(outer):
                ProxyDirectory(outer).remove()
                removed += 1
    if removed:
        log.info("removed %d abandoned proxy folder(s)", removed)
    return removed


def _is_abandoned(outer: Path) -> bool:
    """Whether the owner is gone, or lived before this boot: a socket does not outlive that."""
    if outer.is_symlink():
        return False
    try:
        owner = ProcessIdentity(**json.loads((outer / OWNER).read_text()))
        boot = owner.scope.split("/")[0]
    except (OSError, ValueError, TypeError, AttributeError):
        return False
    mine = process_scope().split("/")[0]
    return owner.is_alive() is False or bool(boot and mine and boot != mine)
