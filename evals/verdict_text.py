"""Read verdicts from whatever a judge wrote: tolerant of form, never of meaning.

Judges answer with an object, with a list of objects, with either inside a code fence or between
words, and name the fields as they like. What does not plainly say MET or UNMET is no verdict.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from langgraph_fusion.models.json_text import lenient_json

_MET_FIELDS = ("criterion_status", "verdict", "met", "status", "score", "answer")
_REASONS = ("explanation", "justification", "rationale", "reason")
_IDS = ("id", "criterion_id", "criterion", "item", "rubric_item")
_WORDS = {
    "met": True, "true": True, "yes": True, "1": True,
    "unmet": False, "not met": False, "notmet": False, "false": False, "no": False, "0": False,
    "-1": False,
}  # fmt: skip
_FENCE = re.compile(r"```[\w-]*\n?(.*?)```", re.DOTALL)


class ReadVerdict(NamedTuple):
    """A verdict as a judge wrote it; `id` is empty where it named none."""

    id: str
    met: bool
    reason: str


def read_verdict(text: str) -> ReadVerdict | None:
    """The one verdict of a reply; None if there is none, or if there are several that differ."""
    found = list(_verdicts(text))
    return found[0] if found and len({one.met for one in found}) == 1 else None


def read_verdicts(text: str, ids: Sequence[str]) -> dict[str, ReadVerdict]:
    """The verdicts on these criteria; one that is named twice with different verdicts is left out.

    Without ids in the reply, a list of the right length is taken in order.
    """
    found = list(_verdicts(text))
    if len(found) == len(ids) and not any(one.id for one in found):
        return dict(zip(ids, found, strict=True))
    wanted, read, doubtful = set(ids), dict[str, ReadVerdict](), set[str]()
    for one in found:
        if one.id in wanted and read.setdefault(one.id, one).met != one.met:
            doubtful.add(one.id)
    return {id: one for id, one in read.items() if id not in doubtful}


def _verdicts(text: str) -> Iterator[ReadVerdict]:
    for value in _values(text):
        found = [one for row in _rows(value) if (one := _verdict(row)) is not None]
        if found:
            yield from found
            return


def _values(text: str) -> Iterator[Any]:
    """What may be the JSON of a reply: the whole, what is fenced, what is between brackets."""
    yield lenient_json(text) if text.lstrip()[:1] in ("{", "[") else None
    for fenced in _FENCE.findall(text):
        yield lenient_json(fenced)
    for opening, closing in ("{}", "[]"):
        start, end = text.find(opening), text.rfind(closing)
        if 0 <= start < end:
            yield lenient_json(text[start : end + 1])


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    """Every object that may be a verdict, in order: bare, in a list, or under one name."""
    if isinstance(value, list):
        for one in value:
            yield from _rows(one)
    elif isinstance(value, dict):
        if any(name in value for name in _MET_FIELDS):
            yield value
            return
        for id, one in value.items():
            if isinstance(one, list | dict):
                yield from _rows(one)
            elif isinstance(one, bool | str):
                yield {"id": id, "met": one}


def _verdict(row: dict[str, Any]) -> ReadVerdict | None:
    said = next((row[name] for name in _MET_FIELDS if name in row), None)
    met = _WORDS.get(str(said).strip().strip('."').lower().replace("_", " "))
    if met is None:
        return None
    id = next((str(row[name]) for name in _IDS if isinstance(row.get(name), str | int)), "")
    reason = next((str(row[name]) for name in _REASONS if row.get(name)), "")
    return ReadVerdict(id, met, reason)
