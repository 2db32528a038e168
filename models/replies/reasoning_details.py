"""Blocks of a model's thinking as OpenRouter sends them, which go back to it as they came."""

from __future__ import annotations

from typing import Any

_JOINED = ("text", "summary")
"""Members of a block whose pieces are parts of one text."""


class ReasoningDetails:
    """The blocks of one reply, put together from their pieces."""

    def __init__(self) -> None:
        self._blocks: list[tuple[dict[str, Any], dict[str, list[str]]]] = []
        """Each with the parts of its texts."""

    def add(self, given: Any) -> int:
        """Take the blocks or pieces of one message; return how many characters of text they had."""
        pieces = given if isinstance(given, list) else ()
        return sum(self._add(dict(one)) for one in pieces if isinstance(one, dict))

    def joined(self) -> list[dict[str, Any]]:
        """The blocks, whole."""
        return [
            block | {name: "".join(parts) for name, parts in texts.items()}
            for block, texts in self._blocks
        ]

    def _add(self, one: dict[str, Any]) -> int:
        if not self._blocks or not _same_block(one, self._blocks[-1][0]):
            self._blocks.append(({}, {}))
        block, texts = self._blocks[-1]
        added = 0
        for name, value in one.items():
            if name in _JOINED and isinstance(value, str):
                texts.setdefault(name, []).append(value)
                added += len(value)
                block.setdefault(name, None)
            elif value is not None or name not in block:
                block[name] = value
        return added


def _same_block(one: dict[str, Any], other: dict[str, Any]) -> bool:
    same = one.get("index") is not None and one.get("index") == other.get("index")
    return same and one.get("type") == other.get("type")
