"""What all requests of a server process share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langgraph_fusion.server.admission import Admission
from langgraph_fusion.server.config import ServerConfig

if TYPE_CHECKING:
    from langgraph_fusion.server.conduct import Conducted


@dataclass
class Service:
    """One server process."""

    config: ServerConfig
    admission: Admission
    runs: "set[Conducted]" = field(default_factory=set)
    """Under way or waiting."""

    @classmethod
    def of(cls, config: ServerConfig) -> "Service":
        return cls(config, Admission(config.max_runs, config.queue))
