"""Copy files between a folder of this host and a sandbox, whose names and contents are hostile."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from langgraph_fusion.sandbox.base import OUT_DIRECTORY, Sandbox, SandboxFileError
from langgraph_fusion.sandbox.exec_result import one_line

MAX_FILES = 200
MAX_TOTAL_BYTES = 256 << 20
MAX_DEPTH = 16
MAX_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class Copied:
    """What came out of a sandbox."""

    files: tuple[Path, ...]
    skipped: tuple[str, ...]
    """Why a file did not come, one printable line each."""


async def copy_in(sandbox: Sandbox, paths: Iterable[Path]) -> list[str]:
    """Give a sandbox read-only copies in its work directory, under the files' own names.

    Returns:
        The names in the sandbox, in the order given.

    Raises:
        SandboxFileError: If two have the same name, one is too large, or one cannot be read.
        SandboxUnavailable: If the sandbox itself failed.
    """
    names: list[str] = []
    for path in paths:
        if path.name in names:
            raise SandboxFileError(f"two files are called {path.name!r}; rename one")
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise SandboxFileError(f"{path.name!r} cannot be read: {error.strerror}") from error
        await sandbox.put(path.name, data, read_only=True)
        names.append(path.name)
    return names


async def copy_out(
    sandbox: Sandbox,
    into: Path,
    *,
    directory: str = OUT_DIRECTORY,
    max_total_bytes: int = MAX_TOTAL_BYTES,
) -> Copied:
    """Copy what a member left in a directory; never overwrites, never leaves `into`.

    Raises:
        SandboxFileError: If there are more than `MAX_FILES` files.
        SandboxUnavailable: If the sandbox itself failed.
    """
    files, skipped, left = [], [], max_total_bytes
    for found in await sandbox.list_files(directory, max_files=MAX_FILES):
        try:
            target = into / safe_name(found.path)
            if found.size > left:
                raise SandboxFileError("the limit of all files together is reached")
            data = await sandbox.get(f"{directory}/{found.path}", left)
            left -= len(data)
            await asyncio.to_thread(write_new, target, data)
        except (SandboxFileError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            skipped.append(one_line(f"{found.path!r}: {reason}"))
        else:
            files.append(target)
    return Copied(tuple(files), tuple(skipped))


def safe_name(name: str) -> Path:
    """A relative path that stays below where it is used.

    Raises:
        SandboxFileError: If it would not, or has characters that no honest name has.
    """
    path = PurePosixPath(name)
    parts = path.parts
    if path.is_absolute() or not parts or len(parts) > MAX_DEPTH or ".." in parts:
        raise SandboxFileError("the name leads elsewhere")
    if one_line(name) != name or any(mark in name for mark in '\\:"<>|?*'):
        raise SandboxFileError("the name has characters that are not copied")
    if any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        raise SandboxFileError("the name is too long")
    return Path(*parts)


def write_new(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
