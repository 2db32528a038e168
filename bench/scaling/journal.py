"""What the journals of a database hold, looked at again and again from outside."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bench.graph.cast import JUDGE, MEMBERS, WRITER
from bench.scaling.accounts import Place
from bench.scaling.stage import Cluster

_EVERY_S = 0.2
_SPACE = "langgraph_fusion.journal."
_LOOK = f"""
    select substr(replies.prefix, {len(_SPACE) + 1}), replies.key,
           (regexp_match(begun.value->>'text', 'run-([0-9]+)-'))[1]
    from store replies join store begun on begun.prefix = replies.prefix and begun.key = 'messages'
    where replies.prefix like '{_SPACE}%' and replies.key like '%/reply/%'
      and replies.key not like '%/failed/%'
"""
_KEY = re.compile(r"([^./]+)[^/]*/reply/(\d+)")
_MODEL_OF = {**dict(zip("ABC", MEMBERS, strict=True)), "judge": JUDGE, "synthesizer": WRITER}


class Journals:
    """The replies that were seen in the journals, and when they were first seen there."""

    def __init__(self, cluster: Cluster) -> None:
        self.seen: dict[Place, float] = {}
        self.runs: dict[str, int] = {}
        """The number in the question of each run id."""
        self._cluster = cluster

    async def look(self) -> None:
        """Read the journals now."""
        for run_id, key, number in await self._cluster.ask(_LOOK):
            self.runs[run_id] = int(number)
            self.seen.setdefault(_place(int(number), key), time.monotonic())

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Read them again and again for the length of the block."""
        watching = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _go_on(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_S)


def _place(run: int, key: str) -> Place:
    found = _KEY.fullmatch(key)
    if found is None or found[1] not in _MODEL_OF:
        raise ValueError(f"a journal's key that this bench cannot read: {key}")
    return run, _MODEL_OF[found[1]], int(found[2]) - 1
