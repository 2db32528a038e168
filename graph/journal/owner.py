"""Which process works on a run, and whether it is still alive."""

import platform
import time

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.sandbox.process_identity import ProcessIdentity

BEAT_S = 30.0
"""How often a process says that it still works on its runs."""
_SILENT_S = 4 * BEAT_S
"""After so long without a word, a process of which nothing else is known counts as gone."""


class Owner(BaseModel):
    """A process, as it stands in the record of a run."""

    model_config = ConfigDict(frozen=True)

    machine: str
    pid: int
    started: str

    @classmethod
    def me(cls) -> "Owner":
        """The process this runs in."""
        me = ProcessIdentity.current()
        machine = me.scope or f"pid {me.pid} of {platform.node()}"
        return cls(machine=machine, pid=me.pid, started=me.started)

    def lives(self, seen_at: float) -> bool:
        """Whether the process lives; `seen_at` is its last heartbeat, in seconds of the epoch.

        Of a process on another machine, or where there is no /proc, only the heartbeat is known.
        """
        if self == Owner.me():
            return True
        alive = ProcessIdentity(self.machine, self.pid, self.started).is_alive()
        return time.time() - seen_at < _SILENT_S if alive is None else alive
