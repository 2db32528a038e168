"""The run's documents as files in a sandbox: read-only copies, as many as there is room for.

Copies, not mounts: they reach an engine on another machine as well, and nothing of this host is
shared. What the folder's links lead to outside of it is never opened, and a file that is exchanged
for a link while it is read neither.
"""

import asyncio
import io
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from langgraph_fusion.sandbox.base import Sandbox, SandboxFileError
from langgraph_fusion.sandbox.exec_result import one_line
from langgraph_fusion.sandbox.settings import SandboxSettings
from langgraph_fusion.tools.docs_index.files import File, document_files

DIRECTORY = "/work/docs"
_ARCHIVE = "/work/.docs.tar"
_BATCH_BYTES = 4 << 20
"""Copied in at once, if no file is larger."""
_BLOCK = 4096
"""What the smallest file takes in a sandbox."""
_HEADER = 2 * _BLOCK
"""What a file takes in an archive besides its bytes, at most: its name may be long."""
_UNPACK = f"(tar -xf {_ARCHIVE} -C {DIRECTORY}; e=$?; rm -f {_ARCHIVE}; exit $e)"
_UNPACK_S = 60.0
_NAMED = 10
"""Files that are named when they are left out; of the rest the number is said."""


@dataclass(frozen=True)
class Chosen:
    """Which documents a sandbox gets, and why it does not get the others."""

    files: tuple[File, ...]
    left_out: tuple[str, ...]
    """Name and reason of each, printable."""


class DocumentCopies:
    """The documents of one run, for the sandboxes of all its members."""

    def __init__(self, folder: Path, limits: SandboxSettings) -> None:
        self._folder = folder
        self._limits = limits
        self._choosing: asyncio.Future[Chosen] | None = None

    async def copy_into(self, sandbox: Sandbox) -> str:
        """Copy them in; return a line on what is missing, empty if nothing is.

        Raises:
            SandboxFileError: If they cannot be unpacked there.
            SandboxUnavailable: If the sandbox itself failed.
        """
        if self._choosing is None:
            self._choosing = asyncio.ensure_future(asyncio.to_thread(self._choose))
        chosen = await asyncio.shield(self._choosing)
        left_out = list(chosen.left_out)
        await _run(sandbox, f"mkdir -p {DIRECTORY}")
        for batch in _batches(chosen.files):
            archive, unreadable = await asyncio.to_thread(_archive, self._folder.resolve(), batch)
            left_out += unreadable
            await sandbox.put(_ARCHIVE, archive)
            await _run(sandbox, _UNPACK)
        await _run(sandbox, f"chmod -R a-w {DIRECTORY}")
        return _missing(left_out)

    def _choose(self) -> Chosen:
        """As many as fit into half of /work, the small ones first."""
        room = (self._limits.work_mb << 20) // 2
        most = min((self._limits.max_file_mb << 20) - 2 * _HEADER, room // 2)
        count = self._limits.max_files // 4  # folders count as well
        files, left_out = list[File](), list[str]()
        found = sorted(document_files(self._folder), key=lambda one: (one.stamp.size, one.name))
        for file in found:
            size = -(-file.stamp.size // _BLOCK) * _BLOCK + _BLOCK
            why = file.skipped
            if not why and file.stamp.size > most:
                why = f"{file.stamp.size} bytes, at most {most} are copied"
            elif not why and (size > room or len(files) == count):
                why = "no room is left for it"
            if why:
                left_out.append(f"{one_line(file.name)} ({why})")
                continue
            files.append(file)
            room -= size
        return Chosen(tuple(files), tuple(left_out))


async def _run(sandbox: Sandbox, command: str) -> None:
    done = await sandbox.run(command, timeout_s=_UNPACK_S)
    if done.exit_code != 0:
        reason = one_line(done.output or done.note)[:200]
        raise SandboxFileError(f"the documents could not be copied in: {reason}")


def _batches(files: Sequence[File]) -> Iterator[list[File]]:
    batch, size = list[File](), 0
    for file in files:
        if batch and size + file.stamp.size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.stamp.size + _HEADER
    if batch:
        yield batch


def _archive(root: Path, files: Sequence[File]) -> tuple[bytes, list[str]]:
    """The files as a tar archive, and which could not be read."""
    made, unreadable = io.BytesIO(), []
    with tarfile.open(fileobj=made, mode="w") as archive:
        for file in files:
            try:
                data = read_below(root, file.name, file.stamp.size)
            except OSError as error:
                unreadable.append(f"{one_line(file.name)} ({error.strerror or error})")
                continue
            member = tarfile.TarInfo(file.name)
            member.size, member.mode = len(data), 0o444
            member.mtime = file.stamp.mtime_ns // 10**9
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue(), unreadable


def read_below(root: Path, name: str, most: int) -> bytes:
    """The bytes of a regular file in a folder, through links that stay in it.

    Raises:
        OSError: If there is none of at most so many bytes; also if what lies on the way is
            exchanged for a link while it is opened.
    """
    path = (root / name).resolve(strict=True)
    if not path.is_relative_to(root):
        raise OSError("a link leads out of the folder")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        *folders, last = path.relative_to(root).parts
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(last, flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError("no regular file")
            data = file.read(most + 1)
    finally:
        os.close(folder)
    if len(data) > most:
        raise OSError("it grew meanwhile")
    return data


def _missing(left_out: Sequence[str]) -> str:
    if not left_out:
        return ""
    more = [f"and {len(left_out) - _NAMED} more"] if len(left_out) > _NAMED else []
    return f"not in {DIRECTORY}: {'; '.join([*left_out[:_NAMED], *more])}"
