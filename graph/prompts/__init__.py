"""Prompts, one Markdown file a role; `$name` is a value, and a missing one is a `KeyError`.

A folder may take the place of the shipped files for everything that runs within a block: so a
variant of a prompt is tried and measured.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

from langgraph_fusion.graph.errors import ConfigError

PROMPTS_VERSION = 2
"""Counted up with every change that is meant to change answers."""

_folder: ContextVar[Path | None] = ContextVar("prompt_folder", default=None)


@contextmanager
def prompts_from(folder: Path) -> Iterator[None]:
    """Take the prompts of this folder within the block; a role it does not have stays as shipped.

    Files are read once in a process.

    Raises:
        ConfigError: If a file of it is no role, cannot be read, or asks for an unknown value.
    """
    prompt_texts(folder)
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


@cache
def prompt_texts(folder: Path | None = None) -> Mapping[str, str]:
    """The text of every role: as shipped, or with the files of a folder over them.

    Raises:
        ConfigError: As `prompts_from`.
    """
    if folder is None:
        shipped = [one for one in files(__name__).iterdir() if one.name.endswith(".md")]
        return {one.name.removesuffix(".md"): one.read_text("utf-8") for one in shipped}
    paths = sorted(folder.glob("*.md"))
    if not paths:
        raise ConfigError(f"{folder} holds no prompt; name its files as in graph/prompts")
    return {**prompt_texts(), **{path.stem: _variant(path) for path in paths}}


def prompts_sha256() -> str:
    """Hash of all prompts that are used here, by which results can be told apart."""
    return _hashed(_folder.get())


def prompt(role: str, **values: str) -> str:
    """Fill in the prompt of a role, for example `prompt("member", today="2026-05-01")`."""
    return _template(role, _folder.get()).substitute(values).strip()


@cache
def _template(role: str, folder: Path | None) -> Template:
    return Template(prompt_texts(folder)[role])


@cache
def _hashed(folder: Path | None) -> str:
    texts = (f"{role}.md\0{text}\0" for role, text in sorted(prompt_texts(folder).items()))
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _variant(path: Path) -> str:
    """A role's text, with no other values than the shipped one has."""
    shipped = prompt_texts().get(path.stem)
    if shipped is None:
        raise ConfigError(f"{path}: there is no role {path.stem!r} in graph/prompts")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    template = Template(text)
    if not template.is_valid():
        raise ConfigError(f"{path}: write a dollar sign as `$$`")
    if unknown := set(template.get_identifiers()) - set(Template(shipped).get_identifiers()):
        raise ConfigError(f"{path}: ${sorted(unknown)[0]} is no value of this role")
    return text
