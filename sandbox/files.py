"""Copy files between a folder of this host and a sandbox, whose names and contents are hostile.

What comes out can do nothing by lying there: regular files with the modes and times of this host,
no link, no name that a shell, git or a desktop takes for more than a name. Contents stay untrusted:
a table can hold a formula, a script anything.
"""

import asyncio
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from langgraph_fusion.sandbox.base import OUT_DIRECTORY, Sandbox, SandboxFileError
from langgraph_fusion.sandbox.exec_result import INVISIBLE, one_line

MAX_FILES = 200
MAX_TOTAL_BYTES = 256 << 20
MAX_DEPTH = 16
MAX_NAME_BYTES = 255
PUNCTUATION = frozenset(" ._-+,=@()[]")
# Options and commands to programs that are given all names of a folder.
OPTION_MARKS = ("-", "+", "@", "=")
# Letters, marks, digits and other numbers, symbols such as emoji.
CATEGORIES = ("L", "M", "N", "So")
# Windows takes these for devices, whatever follows the first dot.
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.I)
# Acted upon when a folder is only looked at: by git, which takes one with a HEAD for a repository
# and runs what its configuration says, and by other version control; by editors, which read their
# settings there; by the desktops of Windows, macOS and Linux; by Windows' command line, which takes
# a command from the folder it is in before any other.
ACTED_UPON = re.compile(
    r"head|cvs|rcs|sccs|_darcs|_fossil_|_mtn|_(ex|vim|gvim)rc|desktop\.ini|autorun\.inf|thumbs\.db"
    r"|.*\.(desktop|directory|lnk|url|website|scf|pif|theme|themepack|deskthemepack|settingcontent-ms)"
    r"|.*\.(webloc|fileloc|inetloc|(library|searchconnector|search|appref)-ms)"
    r"|.*\.(exe|com|bat|cmd|dll|scr|cpl|vbs|vbe|jse|wsf|wsh|msc)",
    re.I,
)


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
    max_files: int = MAX_FILES,
) -> Copied:
    """Copy what a member left in a directory; never overwrites, never leaves `into`.

    Raises:
        SandboxUnavailable: If the sandbox itself failed.
    """
    found = await sandbox.list_files(directory, max_files=max_files)
    files, skipped, left = [], [one_line(f"{reason}") for reason in found.left_out], max_total_bytes
    for entry in found:
        try:
            target = into / safe_name(entry.path)
            if entry.size > left:
                raise SandboxFileError("the limit of all files together is reached")
            data = await sandbox.get(f"{directory}/{entry.path}", left)
            left -= len(data)
            await asyncio.to_thread(write_new, into, target, data)
        except (SandboxFileError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            skipped.append(one_line(f"{entry.path!r}: {reason}"))
        else:
            files.append(target)
    return Copied(tuple(files), tuple(skipped))


def safe_name(name: str) -> Path:
    """A relative path that stays below where it is used, and is nothing but a name anywhere.

    Raises:
        SandboxFileError: If it would not, or is one that no honest program chooses.
    """
    path = PurePosixPath(name)
    parts = path.parts
    if path.is_absolute() or not parts or len(parts) > MAX_DEPTH or ".." in parts:
        raise SandboxFileError("the name leads elsewhere")
    if str(path) != name:
        raise SandboxFileError("the name is not written as it should be")
    for part in parts:
        _check_part(part)
    return Path(*parts)


def _check_part(part: str) -> None:
    if part.startswith((".", *OPTION_MARKS)):
        raise SandboxFileError("hidden files and names that look like options are not copied")
    if not all(map(_is_plain, part)) or part != part.strip(" ."):
        raise SandboxFileError("the name has characters that are not copied")
    if len(part.encode()) > MAX_NAME_BYTES:
        raise SandboxFileError("the name is too long")
    if DEVICES.fullmatch(part) or ACTED_UPON.fullmatch(unicodedata.normalize("NFKC", part)):
        raise SandboxFileError("programs act upon files of that name; it is not copied")


def _is_plain(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character in PUNCTUATION
    # A character that means one of the others, such as a full-width dot, could become it.
    if not all(c.isalnum() or not c.isascii() for c in unicodedata.normalize("NFKC", character)):
        return False
    kind = unicodedata.category(character)
    return kind.startswith(CATEGORIES) and ord(character) not in INVISIBLE


def write_new(into: Path, path: Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        OSError: If there is one.
        SandboxFileError: If a link in `into` leads out of it.
    """
    if not path.parent.resolve().is_relative_to(into.resolve()):
        raise SandboxFileError("a link leads out of the folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
