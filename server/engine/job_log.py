"""The events of a job, as a worker writes them down for the server that waits."""

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from langgraph_fusion.graph.journal.detached_runs import DetachedRuns, StoredEvent
from langgraph_fusion.graph.journal.stores.claim import Claim
from langgraph_fusion.models.text import clean_json


class JobLog:
    """Numbered events; those that the store could not take are written with the next one."""

    def __init__(
        self,
        id: str,
        store: DetachedRuns,
        claim: Claim,
        last: int,
        stored: Callable[[], None],
    ) -> None:
        """`last` is the number of the last event that an earlier worker has stored.

        `stored` is called when events can be read.
        """
        self._stored = stored
        self._id = id
        self._store = store
        self._claim = claim
        self._last = last
        self._unwritten: list[StoredEvent] = []

    def append(self, kind: str, data: Mapping[str, Any]) -> None:
        """Number an event and begin to store it."""
        self._last += 1
        text = clean_json(json.dumps(data, ensure_ascii=False))
        self._unwritten.append(StoredEvent(self._last, kind, text))
        self.write()

    def write(self) -> None:
        """Begin to store what is not stored, all in one transaction."""
        events, self._unwritten = self._unwritten, []
        for event in events:
            written = self._store.append(self._id, event, self._claim)
            written.add_done_callback(partial(self._keep, event))

    def _keep(self, event: StoredEvent, done: "asyncio.Future[None]") -> None:
        if done.cancelled():
            return
        if done.exception() is not None:
            self._unwritten.append(event)
        else:
            self._stored()
