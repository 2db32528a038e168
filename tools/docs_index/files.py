"""Which files of a folder count as documents."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 20 << 20
"""Larger files are listed as skipped."""
_SKIPPED_FOLDERS = ("node_modules", "__pycache__", "venv", "site-packages")


@dataclass(frozen=True)
class Stamp:
    """What tells a changed file from an unchanged one without reading it."""

    size: int
    mtime_ns: int


@dataclass(frozen=True)
class File:
    """A file of the folder."""

    name: str
    """Its path relative to the folder, with `/`."""
    path: Path
    stamp: Stamp
    skipped: str = ""
    """Why it is not opened, in words."""


def document_files(folder: Path) -> Iterator[File]:
    """Yield every file in the folder and below; hidden and installed folders are left out."""
    root = folder.resolve()
    closed: list[OSError] = []
    for current, folders, names in os.walk(root, onerror=closed.append):
        folders[:] = sorted(n for n in folders if n[0] != "." and n not in _SKIPPED_FOLDERS)
        for name in sorted(names):
            hidden = name[0] == "." or name.endswith("~")
            if not hidden and (file := _file(Path(current, name), root)):
                yield file
    for error in closed:
        path = Path(str(error.filename))
        yield File(_shown(path, root) + "/", path, Stamp(0, 0), "a folder that may not be opened")


def _file(path: Path, root: Path) -> File | None:
    name = _shown(path, root)
    try:
        str(path).encode()
        outside = path.is_symlink() and not path.resolve().is_relative_to(root)
        info = path.stat()
    except UnicodeEncodeError:  # no URL could cite it
        return File(name, path, Stamp(0, 0), "its name is not valid Unicode: rename it")
    except (OSError, RuntimeError):  # gone meanwhile, or a link to itself
        return None
    if not stat.S_ISREG(info.st_mode):
        return None
    return File(
        name, path, Stamp(info.st_size, info.st_mtime_ns), _why_not(info.st_size, outside=outside)
    )


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix().encode(errors="replace").decode()


def _why_not(size: int, *, outside: bool) -> str:
    if outside:
        return "a link that leads out of the folder"
    return f"larger than {MAX_BYTES >> 20} MiB" if size > MAX_BYTES else ""
