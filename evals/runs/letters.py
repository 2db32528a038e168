"""Seat a member's stored work in another seat: its letter is in its answer, sources and bill."""

import re
from collections.abc import Mapping
from typing import Any

from langgraph_fusion.graph.citations import CITATIONS
from langgraph_fusion.tools.sources import Source, Sources

Json = dict[str, Any]


def reseated(update: Json, old: str, new: str) -> Json:
    """What the node of seat `old` returned, as if it had sat in `new`."""
    if old == new:
        return update
    move = _Move(old, new)
    return {
        **update,
        "answers": [move.answer(one) for one in update["answers"]],
        "sources": {move.id(id): move.source(one) for id, one in update["sources"].items()},
        "dropped": [{**one, "seat": new} for one in update["dropped"]],
        "bill": [{**one, "seat": new} for one in update["bill"]],
    }


def joined(updates: Mapping[str, Json]) -> dict[str, Json]:
    """The members of one panel, by lane, with the sources marked that several were shown."""
    known = Sources()
    found = {}
    for letter, update in updates.items():
        sources = [known.join(Source(**one)) for one in update["sources"].values()]
        shown = {one.id: one.model_dump(mode="json") for one in sources}
        found[f"{letter}.0"] = {**update, "sources": shown}
    return found


class _Move:
    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new
        self._id = re.compile(rf"\b{old}(?=\d{{1,4}}\b)")

    def id(self, id: str) -> str:
        return self._id.sub(self._new, id)

    def text(self, text: str) -> str:
        """Citations only: other words that look like an id stay."""
        return CITATIONS.sub(lambda found: self.id(found.group()), text)

    def answer(self, answer: Json) -> Json:
        error = answer["error"]
        return {
            **answer,
            "seat": self._new,
            "text": self.text(answer["text"]),
            "error": {**error, "seat": self._new} if error else None,
            "cited": [self.id(one) for one in answer["cited"]],
            "shown": [self.id(one) for one in answer["shown"]],
        }

    def source(self, source: Json) -> Json:
        return {**source, "id": self.id(source["id"]), "seat": self._new, "same_as": None}
