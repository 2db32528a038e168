"""Prompts of judges, one Markdown file each; `$name` is a value."""

from functools import cache
from importlib.resources import files
from string import Template


def judge_prompt(name: str, **values: str) -> str:
    """Fill in a prompt of this folder."""
    return _template(name).substitute(values).strip()


@cache
def _template(name: str) -> Template:
    return Template(files(__name__).joinpath(f"{name}.md").read_text("utf-8"))
