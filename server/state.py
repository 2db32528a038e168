"""What all requests of a server process share."""

from dataclasses import dataclass, field

from starlette.requests import Request

from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.server.body_threads import BodyThreads
from langgraph_fusion.server.config import ServerConfig
from langgraph_fusion.server.keys.key_ring import KeyRing
from langgraph_fusion.server.keys.places import TotalLimits
from langgraph_fusion.server.observability.metrics import Metrics
from langgraph_fusion.server.observability.run_log import RunLog
from langgraph_fusion.server.recent_items import RecentItems
from langgraph_fusion.server.runs.admission import Admission
from langgraph_fusion.server.runs.detached import DetachedRunManager
from langgraph_fusion.server.runs.managed_run import RunManager
from langgraph_fusion.server.runs.shutdown import Shutdown


@dataclass
class ServerState:
    """One server process."""

    config: ServerConfig
    metrics: Metrics
    manager: RunManager
    detached: DetachedRunManager = field(default_factory=DetachedRunManager)
    recent_items: RecentItems = field(default_factory=RecentItems)
    threads: BodyThreads = field(default_factory=BodyThreads)

    @classmethod
    def of(cls, config: ServerConfig) -> "ServerState":
        admission = Admission(config.max_runs, config.queue)
        metrics = Metrics(admission)
        total = TotalLimits(config.total_runs, config.total_queue)
        manager = RunManager(
            admission,
            Shutdown(config.grace_s),
            observers=[metrics, RunLog(with_texts=config.log_prompts)],
            keys=KeyRing(config.keys, total) if config.keys else None,
        )
        return cls(config, metrics, manager)

    @property
    def keys(self) -> KeyRing | None:
        """None when every request is served."""
        return self.manager.keys

    @property
    def store(self) -> RunRepository | None:
        """Where runs are kept; None if they are not."""
        return self.manager.store


def server_state(request: Request) -> ServerState:
    """The state of the server that a request came to."""
    state: ServerState = request.app.state.server
    return state
