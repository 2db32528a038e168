"""Files and folders that are their owner's alone from the moment they are made, at any umask."""

import os
from contextlib import suppress
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_OTHERS = 0o077


def make_private_folder(folder: Path) -> None:
    """Create the folder and those above it that are missing; what is there stays as it is.

    Raises:
        OSError: If it cannot be made.
    """
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        with suppress(FileExistsError):  # another process was first
            one.mkdir(PRIVATE_FOLDER)
            one.chmod(PRIVATE_FOLDER)  # a umask may have taken rights of the owner


def make_private_file(file: Path) -> None:
    """Create the file if it is missing; take others' rights from one of ours that is there.

    Raises:
        PermissionError: If others may read or write the file and it is not ours to close.
        OSError: If it cannot be made.
    """
    try:
        made = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        _close_to_others(file)
        return
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(made, PRIVATE_FILE)
    finally:
        os.close(made)


def _close_to_others(file: Path) -> None:
    found = file.stat()
    if os.name == "nt" or not found.st_mode & _OTHERS or not file.is_file():
        return
    if found.st_uid != os.geteuid():
        raise PermissionError(
            f"{file} belongs to another user and is open to others; have its owner run "
            f"`chmod 600 {file}`"
        )
    file.chmod(found.st_mode & ~_OTHERS & 0o777)
