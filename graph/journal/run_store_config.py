"""Whether and where a graph's runs are kept, and which one is to be taken up again."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from langgraph.store.base import BaseStore

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.entries import RecordedUpdate
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.lifecycle import RunLifecycle
from langgraph_fusion.graph.journal.repository import RunRepository, new_id
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.journal.stored_result import StoredResult, read_result

TakeOver = bool | Literal["always"]
"""True: from a process that has died. `always`: from one that may live, as a server that hands out
runs by leases of its own knows better."""
_LEASED_DEAD_AFTER_S = 20.0
"""The process before is told of it with its next heartbeat, every fourth of this."""


@dataclass(frozen=True)
class RunStoreConfig:
    """Options of the embedding program. Not a setting: a client may not choose them."""

    runs: RunRepository | BaseStore | str | Path | None = None
    """An open `RunRepository`, a store of LangGraph, a file, a `postgresql://` URL, or nothing."""
    run_id: str | None = None
    """The run to resume or to continue; None begins a new one."""
    take_over: "TakeOver" = False
    """Begin the run if there is none with this id; if it has finished, return its result."""
    client: str | None = None
    """The client that owns a new run, for an API that serves several."""
    keep: bool | None = None
    """Whether the texts of a new run stay when it has finished; None: as the repository says."""
    given: Mapping[str, RecordedUpdate] = field(default_factory=dict)
    """What nodes returned in another run of the question, by lane: they are not run again."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[Journal, RunLifecycle | None]]:
        """The journal of a run; without a place to keep it, one that records nothing.

        Raises:
            ConfigError: If the place cannot be opened, or the run not be taken up again.
        """
        dead_after_s = _LEASED_DEAD_AFTER_S if self.take_over == "always" else None
        async with open_runs(self.runs, dead_after_s=dead_after_s) as runs:
            if runs is None:
                yield Journal(new_id()), None
            else:
                yield await self._opened(runs)

    async def finished(self) -> StoredResult | None:
        """What came of the run, if it is taken over and has finished already.

        Raises:
            ConfigError: If its texts were not kept, or it is another client's.
        """
        if self.run_id is not None and self.runs is None:
            raise ConfigError("name the store it is in with `runs`", field="run_id")
        if not self.take_over:
            return None
        if self.run_id is None:
            raise ConfigError("name the run with `run_id`", field="take_over")
        async with open_runs(self.runs) as runs:
            record = await runs.find(self.run_id) if runs else None
            if runs is None or record is None or not record.has_result:
                return None
            found = await read_result(runs, record)
        if found is None:
            raise ConfigError(f"run {record.id} has finished, and its result was not kept")
        return found

    async def _opened(self, runs: RunRepository) -> tuple[Journal, RunLifecycle]:
        begins = self.run_id is None or (self.take_over and await runs.find(self.run_id) is None)
        record = None
        if begins:
            journal = runs.new_journal(self.run_id)
        else:
            record, journal = await runs.reopen(
                self.run_id or "", from_living=self.take_over == "always"
            )
        return journal, RunLifecycle(
            runs, journal, record, self.client, self.keep, hold_result=bool(self.take_over)
        )


NOT_KEPT = RunStoreConfig()
