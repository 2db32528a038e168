"""Items of recent responses, for clients that refer to them by id in their next request.

OpenAI keeps every response; clients made for it send `item_reference` instead of a text that they
think is kept. Here the items of a response stay in the memory of the process for an hour, unless
the client says `store: false`. Not covered: other workers of the server, and a restart.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_KEPT_S = 3600.0
_MAX_BYTES = 32 << 20

Item = Mapping[str, Any]


@dataclass(frozen=True)
class _Entry:
    client: str | None
    text: str
    until: float


class RecentItems:
    """The newest items, at most 32 MiB of them; each belongs to the key that got it."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0

    def keep(self, client: str | None, items: Iterable[Item]) -> None:
        """Keep items under their ids and drop the oldest."""
        until = time.monotonic() + _KEPT_S
        for item in items:
            text = json.dumps(item)
            self._drop(item["id"])
            self._entries[item["id"]] = _Entry(client, text, until)
            self._bytes += len(text)
        while self._bytes > _MAX_BYTES:
            self._drop(next(iter(self._entries)))

    def find(self, client: str | None, id: str) -> Any:
        """The item as it was sent; None if it is not kept, or another client's."""
        entry = self._entries.get(id)
        if entry is None or entry.client != client or entry.until < time.monotonic():
            return None
        return json.loads(entry.text)

    def _drop(self, id: str) -> None:
        if (entry := self._entries.pop(id, None)) is not None:
            self._bytes -= len(entry.text)
