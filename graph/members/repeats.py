"""Detect a member that repeats the same tool calls."""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import ToolCall

OFTEN = 3
"""Turns in which the same call may come, without a new one in between, before it is refused."""
ENOUGH = 5
"""Turns without a new call after which the member has to write."""


class Repeats:
    """The tool calls of one member since it last made a new one."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._since_new: dict[str, int] = {}
        self._turns = 0

    def note(self, calls: Sequence[ToolCall]) -> None:
        """Count the calls of one turn; the same call twice in one turn counts once."""
        keys = {_key(call["name"], call["args"]) for call in calls}
        if keys - self._known:
            self._known |= keys
            self._since_new, self._turns = {}, 0
        elif keys:
            self._turns += 1
        for key in keys:
            self._since_new[key] = self._since_new.get(key, 0) + 1

    def times(self, name: str, args: Any) -> int:
        """How often this call has come since the last turn with a new one."""
        return self._since_new.get(_key(name, args), 0)

    @property
    def stuck(self) -> bool:
        """Whether it was warned and still repeats them."""
        return self._turns >= ENOUGH - 1


def _key(name: str, args: Any) -> str:
    return f"{name} {json.dumps(args, sort_keys=True, default=str)}"
