"""Links of an answer to the user's documents, as paths that open from where they are read."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from langgraph_fusion.graph.preflight.readiness import docs_folder
from langgraph_fusion.graph.request.given_files import FOLDER
from langgraph_fusion.graph.writing.check import link_of

_SCHEME = "docs:"


def with_document_paths(result: Mapping[str, Any], docs: str | None, base: Path) -> dict[str, Any]:
    """Return the result with the paths of its documents relative to `base`, or absolute if above.

    In the result itself they are relative to the folder of documents.
    """
    cited = [one for one in result["sources"] if _is_of_the_folder(one["url"], result)]
    if not docs or not cited:
        return dict(result)
    folder = _path_from(base, docs_folder(docs))
    answer = str(result["answer"])
    for link in {link_of(one["url"]) for one in cited}:
        answer = answer.replace(f"]({link})", f"]({quote(folder)}/{link})")
    sources = [
        {**one, "url": one["url"].replace(_SCHEME, f"{folder}/", 1)} if one in cited else one
        for one in result["sources"]
    ]
    return {**result, "answer": answer, "sources": sources}


def _is_of_the_folder(url: str, result: Mapping[str, Any]) -> bool:
    """Whether it is a document of the folder, and not a file that came with the question."""
    attached = bool(result.get("attached")) and url.startswith(f"{_SCHEME}{FOLDER}/")
    return url.startswith(_SCHEME) and not attached


def _path_from(base: Path, folder: Path) -> str:
    inside = folder.resolve().is_relative_to(base.resolve())
    return os.path.relpath(folder.resolve(), base.resolve()) if inside else str(folder.resolve())
