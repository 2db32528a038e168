"""What all requests of a server process share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.server.api_keys import KeyRing
from langgraph_fusion.server.config import ServerConfig
from langgraph_fusion.server.logging import RunLog
from langgraph_fusion.server.observability.metrics import Metrics
from langgraph_fusion.server.readiness import EngineProbe
from langgraph_fusion.server.runs.admission import Admission
from langgraph_fusion.server.runs.observers import Watcher
from langgraph_fusion.server.runs.shutdown import Closing

if TYPE_CHECKING:
    from langgraph_fusion.server.runs.managed_run import ManagedRun


@dataclass
class ServerState:
    """One server process."""

    config: ServerConfig
    admission: Admission
    metrics: Metrics
    closing: Closing
    keys: KeyRing | None
    """None when every request is served."""
    watchers: list[Watcher]
    engine: EngineProbe = field(default_factory=EngineProbe)
    store: RunRepository | None = None
    """Where runs are kept; open from the start of the application to its end."""
    runs: "set[ManagedRun]" = field(default_factory=set)
    """Under way or waiting."""

    @classmethod
    def of(cls, config: ServerConfig) -> "ServerState":
        admission = Admission(config.max_runs, config.queue)
        metrics = Metrics(admission)
        return cls(
            config=config,
            admission=admission,
            metrics=metrics,
            closing=Closing(config.grace_s),
            keys=KeyRing(config.keys) if config.keys else None,
            watchers=[metrics, RunLog(with_texts=config.log_prompts)],
        )
