"""Prompts, one Markdown file a role; `$name` is a value, and a missing one is a `KeyError`."""

from functools import cache
from importlib.resources import files
from string import Template


def prompt(role: str, **values: str) -> str:
    """Fill in the prompt of a role, for example `prompt("member", today="2026-05-01")`."""
    return _template(role).substitute(values).strip()


@cache
def _template(role: str) -> Template:
    return Template(files(__name__).joinpath(f"{role}.md").read_text("utf-8"))
