"""Prompts, one Markdown file a role; `$name` is a value, and a missing one is a `KeyError`."""

import hashlib
from functools import cache
from importlib.resources import files
from string import Template

PROMPTS_VERSION = 2
"""Counted up with every change that is meant to change answers."""


@cache
def prompts_sha256() -> str:
    """Hash of all prompts as they are installed, by which results can be told apart."""
    folder = files(__name__)
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".md"))
    texts = (f"{name}\0{folder.joinpath(name).read_text('utf-8')}\0" for name in names)
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def prompt(role: str, **values: str) -> str:
    """Fill in the prompt of a role, for example `prompt("member", today="2026-05-01")`."""
    return _template(role).substitute(values).strip()


@cache
def _template(role: str) -> Template:
    return Template(files(__name__).joinpath(f"{role}.md").read_text("utf-8"))
