"""Whether and where a graph's runs are kept, and which one is to be taken up again."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from langgraph.store.base import BaseStore

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.entries import RecordedUpdate
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.lifecycle import RunLifecycle
from langgraph_fusion.graph.journal.repository import RunRepository, new_id
from langgraph_fusion.graph.journal.store import open_runs


@dataclass(frozen=True)
class RunStoreConfig:
    """Options of the embedding program. Not a setting: a client may not choose them."""

    runs: RunRepository | BaseStore | str | Path | None = None
    """An open `RunRepository`, a store of LangGraph, a file, a `postgresql://` URL, or nothing."""
    run_id: str | None = None
    """The run to resume or to continue; None begins a new one."""
    client: str | None = None
    """The client that owns a new run, for an API that serves several."""
    new_id: str | None = None
    """Id of a new run, for a program that wants to find it again; None makes one up."""
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
        async with open_runs(self.runs) as runs:
            if runs is None:
                if self.run_id is not None:
                    raise ConfigError("name the store it is in with `runs`", field="run_id")
                yield Journal(self.new_id or new_id()), None
            elif self.run_id is None:
                journal = runs.new_journal(self.new_id)
                yield journal, RunLifecycle(runs, journal, None, self.client, self.keep)
            else:
                record, journal = await runs.reopen(self.run_id)
                yield journal, RunLifecycle(runs, journal, record)


NOT_KEPT = RunStoreConfig()
