"""The server processes of `fusion serve`: the address is announced once they can answer."""

import os
import socket
from collections.abc import Callable

import uvicorn
from uvicorn.supervisors import Multiprocess

from langgraph_fusion.server.connections import LimitedConnection

Announce = Callable[[], None]
_AFTER_GRACE_S = 5
"""For the last words to clients and the removal of containers."""
IDLE_S = 75
"""Longer than clients keep a connection: one closed under a request would fail it. As nginx."""
_SPAWNED_WITHIN_S = 180
"""A busy machine may take longer than uvicorn's five seconds to start a process."""


def serve_until_stopped(
    listening: socket.socket,
    *,
    workers: int,
    connections: int,
    grace_s: float,
    announce: Announce,
) -> None:
    """Serve on a bound socket until SIGINT or SIGTERM; `announce` is called when it is open."""
    os.umask(0o077)  # what a server writes is its user's alone
    config = uvicorn.Config(
        "langgraph_fusion.server.app:app_from_environment",
        factory=True,
        workers=workers,
        loop="langgraph_fusion.server.fair_accept_loop:SharingLoop" if workers > 1 else "auto",
        http=LimitedConnection,
        ws="none",
        limit_concurrency=connections,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=round(grace_s) + _AFTER_GRACE_S,
        timeout_worker_healthcheck=_SPAWNED_WITHIN_S,
    )
    if workers > 1:
        from langgraph_fusion.server.observability.metrics import shared_metrics

        os.environ["PYTHONSAFEPATH"] = "1"  # or workers import from the working directory first
        with shared_metrics():
            _Workers(config, [listening], announce).run()
        return
    try:
        _Server(config, announce).run([listening])
    except KeyboardInterrupt:
        return  # uvicorn raises it again after it has stopped in good order


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Announce) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen: that is uvicorn's order for a socket it is given."""
        await super().startup(sockets)
        if not self.should_exit:
            self._announce()


class _Workers(Multiprocess):
    """The first worker that is ready opens the socket they share."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], announce: Announce
    ) -> None:
        super().__init__(config, sockets)
        self._announce: Announce | None = announce

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if self._announce and all(process.is_ready() for process in self.processes):
            self._announce()
            self._announce = None
