"""Get a data set by name: from a given path, from the cache, or downloaded at its revision.

A file is refused when its hash is not the pinned one. There is no other source and no silent
fallback. The cache is `$FUSION_EVALS/data`, outside of any repository.
"""

import hashlib
import tempfile
from pathlib import Path

from langgraph_fusion.evals.datasets.dataset import DataSet, Pinned
from langgraph_fusion.evals.datasets.draco import DRACO
from langgraph_fusion.evals.datasets.drb2 import DRB2
from langgraph_fusion.evals.datasets.own import read_own
from langgraph_fusion.evals.datasets.ramdocs import RAMDOCS
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.place import evals_folder

PINNED = {one.name: one for one in (DRACO, DRB2, RAMDOCS)}
DOWNLOAD_S = 120.0


def load_dataset(name: str, data: Path | None = None) -> DataSet:
    """A pinned set by its name, from the file `data` if there is one; else a file of one's own.

    Raises:
        DataRefused: If there is no such set, or its file is not what it should be.
    """
    pinned = PINNED.get(name)
    if pinned is not None:
        return _pinned_set(pinned, _read(data) if data else _cached(pinned))
    if data is not None:
        raise DataRefused(f"--data goes with {', '.join(PINNED)}; {name!r} is none of them")
    raw = _read(Path(name).expanduser(), unknown=name)
    tasks = read_own(_text(raw, name), Path(name).name)
    hashed = hashlib.sha256(raw).hexdigest()
    return DataSet(Path(name).stem, hashed, tuple(tasks), size=len(tasks))


def _pinned_set(pinned: Pinned, raw: bytes) -> DataSet:
    hashed = hashlib.sha256(raw).hexdigest()
    revision = pinned.revision_of(hashed)
    tasks = tuple(pinned.reader(_text(raw, pinned.name)))
    return DataSet(pinned.name, hashed, tasks, revision, pinned.exclude, len(tasks))


def _read(path: Path, unknown: str | None = None) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        if unknown is not None and not path.exists():
            known = ", ".join(PINNED)
            raise DataRefused(f"there is no set or file {unknown!r}; sets: {known}") from error
        raise DataRefused(f"{path} cannot be read: {error.strerror}") from error


def _text(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataRefused(f"{name} is not in UTF-8: {error}") from error


def cached_file(pinned: Pinned) -> Path:
    """Where a downloaded set is kept."""
    return evals_folder() / "data" / f"{pinned.name}-{pinned.sha256[:16]}.jsonl"


def _cached(pinned: Pinned) -> bytes:
    path = cached_file(pinned)
    if path.is_file():
        return path.read_bytes()
    raw = _download(pinned)
    pinned.revision_of(hashlib.sha256(raw).hexdigest())  # nothing else is ever cached
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(raw)
    Path(file.name).replace(path)
    return raw


def _download(pinned: Pinned) -> bytes:
    import httpx2

    try:
        got = httpx2.get(pinned.url, follow_redirects=True, timeout=DOWNLOAD_S)
        got.raise_for_status()
    except httpx2.HTTPError as error:
        raise DataRefused(
            f"{pinned.name} could not be downloaded from {pinned.url} ({error}); "
            "fetch it yourself and give --data FILE"
        ) from error
    return got.content
