"""The journal of a run: what was paid for is written down before the run goes on.

To resume a run is to run the graph again with the old journal: what is recorded is returned, what
is not is done. Keys say who did it and when in its turn, never what a provider made up, so that
they are the same again: `A.0/reply/2` is the third reply of member A in the first round,
`A.0/tool/2.1/web_search` the second call of that reply. What stands before the first `/` is a lane:
the work of one seat in one round, which goes on step by step.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from langgraph.store.base import PutOp
from pydantic import BaseModel, ValidationError

from langgraph_fusion.graph.errors import ConfigError, RunTakenOver
from langgraph_fusion.graph.journal.stores.claim import Claim
from langgraph_fusion.graph.journal.stores.heartbeat import Heartbeat
from langgraph_fusion.graph.journal.stores.write_batcher import StoreWriter
from langgraph_fusion.models.loop_share import off_loop, size_of

T = TypeVar("T", bound=BaseModel)
Namespace = tuple[str, ...]
Make = Callable[[], BaseModel]


class Journal:
    """What a run has done so far. Without a writer it records nothing and costs nothing."""

    def __init__(
        self,
        run_id: str,
        writer: StoreWriter | None = None,
        namespace: Namespace = (),
        entries: Sequence[tuple[str, str]] = (),
        *,
        ttl: float | None = None,
        cut_off: bool = False,
        finished: bool = False,
        claim: Claim | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        """`entries` are those of an earlier process, in order; `ttl` is minutes.

        `cut_off` says that the earlier process was stopped at work, `finished` that it ended well.
        What is written depends on the `claim`.
        """
        self.run_id = run_id
        self._namespace = namespace
        self.on = writer is not None
        """Whether the run is kept at all."""
        self.on_failure: Callable[[Exception], None] = lambda error: None
        """Called when the store fails; from then on nothing is recorded, and the run goes on."""
        self.finished = finished
        self.ttl = ttl
        self.claim = claim
        self._heartbeat = heartbeat
        self._writer = writer
        self._entries = dict(entries)
        self._cut_off = cut_off
        self._live: set[str] = set()
        self._written: dict[str, None] = {}
        self._opened: Counter[str] = Counter()

    @property
    def keys(self) -> list[str]:
        """Keys of what an earlier process recorded, in the order in which it happened."""
        return list(self._entries)

    @property
    def all_keys(self) -> list[str]:
        """Those keys, and the keys of what this process has written."""
        return list(dict.fromkeys([*self._entries, *self._written]))

    @property
    def size(self) -> int:
        """Characters of what an earlier process recorded."""
        return sum(map(len, self._entries.values()))

    def removal(self, *spared: str) -> list[PutOp]:
        """Puts that remove everything but these keys."""
        return [PutOp(self._namespace, key, None) for key in self.all_keys if key not in spared]

    def read(self, key: str, kind: type[T]) -> T | None:
        """What is recorded under the key, if anything.

        Raises:
            ConfigError: If it is not what this version writes.
        """
        text = self._entries.get(key)
        if text is None:
            return None
        try:
            return kind.model_validate(json.loads(text))
        except (ValueError, ValidationError) as error:
            raise ConfigError(
                f"run {self.run_id}: its record cannot be read (at {key}); ask again, and remove "
                f"this one with `fusion runs delete {self.run_id}`"
            ) from error

    def read_each(self, part: str, kind: type[T]) -> Iterator[T]:
        """All that is recorded under keys with this part, in the order in which it happened."""
        for key in self.keys:
            if part in key and (found := self.read(key, kind)) is not None:
                yield found

    def next_lane(self, work: str) -> str:
        """The lane this work gets when it is begun; a seat may work twice in a round."""
        number = self._opened[work]
        return f"{work}.{number + 1}" if number else work

    def open_lane(self, work: str) -> str:
        """Begin a piece of work, for example `judge.0`."""
        lane = self.next_lane(work)
        self._opened[work] += 1
        return lane

    async def write(self, key: str, make: Make, *along: PutOp) -> None:
        """Write what `make` returns, and return once it and `along` would survive a crash.

        Raises:
            RunTakenOver: If another process has the run.
        """
        if self._writer is None:
            return
        try:
            await self._writer.write(*along, await self._written_put(key, make()), claim=self.claim)
        except RunTakenOver:
            raise
        except Exception as error:  # noqa: BLE001 - a store's failure must not cost the run
            self._writer = None
            self.on_failure(error)

    def write_async(self, key: str, make: Make) -> None:
        """Begin to write what `make` returns, and do not wait for it."""
        if self._writer is not None:
            self._writer.soon(self._put(key, make()), claim=self.claim)

    def put(self, key: str, value: BaseModel, *, permanent: bool) -> PutOp:
        """A put of this value; a permanent one does not expire with the journal."""
        put = self._put(key, value)
        return put._replace(ttl=None) if permanent else put

    def write_later(self, key: str, make: Make) -> None:
        """Write what `make` returns with the next write: it could be worked out from the others."""
        if key.partition("/")[0] in self._live:
            self._cut_off = False  # it ended in this process: what follows was not begun before
        if self._writer is not None:
            self._writer.later(self._put(key, make()), claim=self.claim)

    async def check_claim(self) -> None:
        """Raise RunTakenOver if another process has the run: before a call that costs something."""
        if self.claim is not None and self._heartbeat is not None:
            await self._heartbeat.check(self.claim)

    def end_replay(self, lane: str) -> bool:
        """End the replay of a lane; True if the earlier process was stopped at this point."""
        first = self._cut_off and lane not in self._live
        self._live.add(lane)
        return first

    async def _written_put(self, key: str, value: BaseModel) -> PutOp:
        """A put of this value, written in a thread if it is large."""
        place, dumped = self._place(key), value.model_dump()
        text = await off_loop(size_of(dumped), as_text, dumped)
        return PutOp(self._namespace, key, {"n": place, "text": text}, False, self.ttl)

    def _put(self, key: str, value: BaseModel) -> PutOp:
        stored = {"n": self._place(key), "text": as_text(value.model_dump())}
        return PutOp(self._namespace, key, stored, False, self.ttl)

    def _place(self, key: str) -> int:
        self._written[key] = None
        return len(self._entries) + len(self._written)


def as_text(value: Any) -> str:
    """JSON in ASCII: every store takes it, whatever characters a model or a page came up with."""
    return json.dumps(value, default=str, separators=(",", ":"))
