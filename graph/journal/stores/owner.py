"""Which process works on a run, and whether it is still alive."""

import platform

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.graph.journal.stores.heartbeat import DEAD_AFTER_S
from langgraph_fusion.sandbox.process_identity import ProcessIdentity


class Owner(BaseModel):
    """A process, as it stands in the record of a run."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    machine: str
    pid: int
    started: str
    dead_after_s: float = DEAD_AFTER_S
    """It counts as gone when it has said nothing for so long."""

    @classmethod
    def me(cls, dead_after_s: float = DEAD_AFTER_S) -> "Owner":
        """The process this runs in."""
        me = ProcessIdentity.current()
        machine = me.scope or f"pid {me.pid} of {platform.node()}"
        return cls(machine=machine, pid=me.pid, started=me.started, dead_after_s=dead_after_s)

    def lives(self, silent_s: float) -> bool:
        """Whether the process lives; `silent_s` is the age of its last heartbeat.

        Of a process of this machine it is known when it has ended. One that was stopped, or that
        runs on another machine or where there is no /proc, is told from its heartbeat alone.
        """
        if self.me(self.dead_after_s) == self:
            return True
        alive = ProcessIdentity(self.machine, self.pid, self.started).is_alive()
        return alive is not False and silent_s < self.dead_after_s
