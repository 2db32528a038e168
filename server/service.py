"""What all requests of a server process share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langgraph_fusion.graph.journal.runs import Runs
from langgraph_fusion.server.admission import Admission
from langgraph_fusion.server.closing import Closing
from langgraph_fusion.server.config import ServerConfig
from langgraph_fusion.server.keys import KeyRing
from langgraph_fusion.server.logs import RunLog
from langgraph_fusion.server.metrics import Metrics
from langgraph_fusion.server.readiness import EngineProbe
from langgraph_fusion.server.watchers import Watcher

if TYPE_CHECKING:
    from langgraph_fusion.server.conduct import Conducted


@dataclass
class Service:
    """One server process."""

    config: ServerConfig
    admission: Admission
    metrics: Metrics
    closing: Closing
    keys: KeyRing | None
    """None when every request is served."""
    watchers: list[Watcher]
    engine: EngineProbe = field(default_factory=EngineProbe)
    store: Runs | None = None
    """Where runs are kept; open from the start of the application to its end."""
    runs: "set[Conducted]" = field(default_factory=set)
    """Under way or waiting."""

    @classmethod
    def of(cls, config: ServerConfig) -> "Service":
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
