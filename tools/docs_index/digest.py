"""Is a folder of documents the same on every host? Its names and contents as one hash."""

import hashlib
from functools import lru_cache
from pathlib import Path

from langgraph_fusion.tools.docs_index.files import File, document_files


def folder_sha256(folder: Path) -> str:
    """Hash the documents of a folder: what is not read as a document does not count.

    Blocking. Files are read again only when their size or time has changed.

    Raises:
        OSError: If a document cannot be read.
    """
    whole = hashlib.sha256()
    for file in sorted(document_files(folder), key=lambda file: file.name):
        content = file.skipped or _file_sha256(file)
        whole.update(f"{len(file.name)}:{file.name}:{content}\n".encode())
    return whole.hexdigest()


@lru_cache(maxsize=100_000)
def _file_sha256(file: File) -> str:
    with file.path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
