"""Recognise a task's rubric in any text: word n-grams that several of its criteria share with it.

Calibrated on real reports and made-up leaks (docs/evaluation.md). Ten words and two criteria flag 3
of 400 real reports, all of them restatements on the topic, and 96 of 100 snippets that hold two
leaked criteria. Twelve words and two criteria flag none of them, and 84: for a last audit.

Not covered: a paraphrase, a single leaked criterion, and criteria that are too short, or too close
to the question, to have such a run of words of their own. For scripts without spaces between words
single characters stand for words; there the rates are not known.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from langgraph_fusion.evals.records import Task
from langgraph_fusion.tools.content_filter import ContentMatch

_WORD = re.compile(r"[a-z0-9]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""A character of Chinese, Japanese or Korean."""


@dataclass(frozen=True)
class ContentRule:
    """Flag a text that shares a run of `words` with at least `criteria` criteria."""

    words: int
    criteria: int

    @property
    def name(self) -> str:
        return f"{self.words}-gram, k >= {self.criteria}"


DEFAULT = ContentRule(words=10, criteria=2)
STRICT = ContentRule(words=12, criteria=2)
"""No false alarm on 900 reports; misses more of short leaks."""


class ContentGuard:
    """The guard of one task, as a content filter of its members' tools."""

    def __init__(self, task: Task, rule: ContentRule = DEFAULT) -> None:
        self.rule = rule
        asked = set(_runs(task.question, rule.words))
        self._owners: dict[tuple[str, ...], set[int]] = defaultdict(set)
        for number, criterion in enumerate(task.criteria):
            for run in _runs(criterion.requirement, rule.words):
                if run not in asked:
                    self._owners[run].add(number)

    def count(self, text: str) -> int:
        """How many criteria share a run of words with this text."""
        found: set[int] = set()
        for run in _runs(text, self.rule.words):
            if owners := self._owners.get(run):
                found |= owners
        return len(found)

    def match(self, text: str) -> ContentMatch | None:
        """Flag a text that holds a part of the rubric."""
        found = self.count(text)
        return ContentMatch(self.rule.name, found) if found >= self.rule.criteria else None

    @property
    def criteria(self) -> int:
        """How many criteria can be recognised at all."""
        return len(set().union(*self._owners.values()))


def _runs(text: str, words: int) -> Iterator[tuple[str, ...]]:
    """Every run of so many words, and of so many characters without spaces."""
    for units in (_WORD.findall(text.lower()), _UNSPACED.findall(text)):
        yield from zip(*(units[start:] for start in range(words)), strict=False)
