"""The `exclude` setting of a run over a data set: nothing leads a member to the rubrics.

A rule knows an address, not what stands there: copies elsewhere are the content guard's. A prefix
ends at a path segment, so every form of an arXiv address, with its version, is a rule of its own.
"""

import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from yarl import URL

from langgraph_fusion.evals.records import Task
from langgraph_fusion.tools.exclude import Exclusion

_VERSIONS = ("", "v1", "v2", "v3", "v4", "v5")
_VERSIONED = (
    "arxiv.org/abs", "arxiv.org/pdf", "arxiv.org/html", "alphaxiv.org/abs", "alphaxiv.org/overview",
    "ar5iv.org/html",
)  # fmt: skip
"""Doors to a paper that take its version too; a domain covers `export.arxiv.org` and the like."""
_PAPER_DOORS = (
    *_VERSIONED, "arxiv.org/format", "arxiv.org/e-print", "arxiv.org/src", "alphaxiv.org/pdf",
    "ar5iv.org/abs", "huggingface.co/papers", "hf.co/papers", "semanticscholar.org/arxiv",
    "papers.cool/arxiv", "emergentmind.com/papers", "sciencestack.ai/paper", "tomesphere.com/paper",
)  # fmt: skip
_DATASET_DOORS = (
    "huggingface.co/datasets", "huggingface.co/api/datasets", "hf.co/datasets",
    "hf-mirror.com/datasets", "modelscope.cn/datasets",
)  # fmt: skip
_GITHUB_DOORS = (
    "github.com", "raw.githubusercontent.com", "api.github.com/repos", "codeload.github.com",
    "deepwiki.com", "gitingest.com", "rawcdn.githack.com", "raw.githack.com",
)  # fmt: skip
_TRACKING = frozenset({"srsltid", "gclid", "fbclid", "ref", "source", "references_page"})


@cache
def exclude_of(dataset: str) -> tuple[str, ...]:
    """The rules that go with a data set; none for a set of one's own."""
    known = _lists().get(dataset)
    return tuple(_rules(known)) if known else ()


def exclude_for(dataset: str, task: Task, own: Iterable[str] = ()) -> tuple[str, ...]:
    """The rules for a run on this task: the set's, the task's and the user's own.

    Raises:
        ValueError: If a rule cannot be read; the message names it.
    """
    rules = dict.fromkeys([*exclude_of(dataset), *map(rule_of, task.exclude), *own])
    Exclusion(rules)
    return tuple(rules)


def rule_of(address: str) -> str:
    """A rule that covers the page at an address, and not its neighbours on the same path.

    Of the parameters those stay that look like an identifier: `article?id=10.1371/journal.pone.1`.
    """
    url = URL(address if "://" in address else f"https://{address}").with_fragment(None)
    kept = {name: value for name, value in url.query.items() if _identifies(name, value)}
    return str(url.with_query(kept or None)).removeprefix("https://").removeprefix("http://")


def _identifies(name: str, value: str) -> bool:
    if name.lower() in _TRACKING or name.lower().startswith("utm_"):
        return False
    return name.lower() == "id" or sum(letter.isdigit() for letter in value) > 2


@cache
def _lists() -> dict[str, dict[str, Any]]:
    text = files(__package__).joinpath("exclude.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _rules(known: dict[str, Any]) -> Iterator[str]:
    yield from known["other"]
    for name in known["datasets"]:
        yield from (f"{door}/{name}" for door in _DATASET_DOORS)
    for name in known["github"]:
        yield from (f"{door}/{name}" for door in _GITHUB_DOORS)
        yield f"cdn.jsdelivr.net/gh/{name.partition('/')[0]}"  # what follows is `name@version`
    paper = known["arxiv"]
    yield from (f"{door}/{paper}" for door in _PAPER_DOORS)
    yield from (f"{door}/{paper}{version}" for door in _VERSIONED for version in _VERSIONS[1:])
    yield from (f"arxiv.org/pdf/{paper}{version}.pdf" for version in _VERSIONS)
    yield f"doi.org/10.48550/arxiv.{paper}"
    yield f"api.semanticscholar.org/arxiv:{paper}"
