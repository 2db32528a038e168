"""Folders of documents that the operator has given names: `docs = "named:handbook"`.

`docs.toml` in the configuration folder, or the file that `FUSION_DOCS` names:

    [handbook]
    folder = "/srv/handbook"
    sha256 = "…"        # of `fusion doctor`; a host where it differs refuses the documents

A run keeps the name, so that any host can go on with it, wherever its copy of the folder is.
"""

import asyncio
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.presets import user_file
from langgraph_fusion.tools.docs_index.digest import folder_sha256

PREFIX = "named:"
_FILE, _VARIABLE = "docs.toml", "FUSION_DOCS"


class NamedFolder(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    sha256: str | None = None


@dataclass(frozen=True)
class Found:
    """How the documents of a name are on this host."""

    name: str
    folder: str
    sha256: str | None
    """None if they cannot be read."""
    wrong: str = ""
    """What is wrong with them; empty if nothing is."""


def named_folder(docs: str) -> Path:
    """The folder of a setting that begins with `named:`; relative to the file's own folder.

    Raises:
        ConfigError: If there is no such name.
    """
    name = docs.removeprefix(PREFIX)
    file, folders = _read()
    if name not in folders:
        known = ", ".join(f"`{PREFIX}{one}`" for one in folders) or f"none; name them in {_FILE}"
        raise ConfigError(f"there are no documents {docs!r} here. There are: {known}", field="docs")
    assert file is not None
    return file.parent / Path(folders[name].folder).expanduser()


async def check_named(docs: str) -> None:
    """Raise ConfigError if the documents of this setting differ from what the operator says."""
    found = await asyncio.to_thread(_look, docs.removeprefix(PREFIX), named_folder(docs))
    if found.wrong:
        raise ConfigError(found.wrong, field="docs")


async def look_at_all() -> list[Found]:
    """How all named documents are on this host.

    Raises:
        ConfigError: If the file cannot be read.
    """
    _, folders = _read()
    return [
        await asyncio.to_thread(_look, name, named_folder(f"{PREFIX}{name}")) for name in folders
    ]


def _look(name: str, folder: Path) -> Found:
    if not folder.is_dir():
        said = f"the folder of the documents `{name}` is not on this host: {folder}"
        return Found(name, str(folder), None, said)
    try:
        sha256 = folder_sha256(folder)
    except OSError as error:
        said = f"the documents `{name}` cannot be read on this host: {error}"
        return Found(name, str(folder), None, said)
    expected = _read()[1][name].sha256
    if expected in (None, sha256):
        return Found(name, str(folder), sha256)
    said = (
        f"the documents `{name}` are others on this host than {_FILE} says (sha256 {sha256[:12]}…, "
        f"not {str(expected)[:12]}…): copy them here, or write the new hash into {_FILE} everywhere"
    )
    return Found(name, str(folder), sha256, said)


def _read() -> tuple[Path | None, dict[str, NamedFolder]]:
    """The file, and what stands in it."""
    path = user_file(_FILE, _VARIABLE)
    if path is None:
        return None, {}
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        return path, TypeAdapter(dict[str, NamedFolder]).validate_python(tables)
    except (OSError, ValueError, ValidationError) as error:
        raise ConfigError(
            f"{path} cannot be read: write tables with `folder` and, if you like, `sha256`: "
            f"{str(error).splitlines()[0]}",
            field="docs",
        ) from None
