"""Who does the runs of a server, where it does not do them itself."""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

from langgraph_fusion.server.runs.run_request import RunRequest


class RunEngine(Protocol):
    """Worker processes, as a server sees them."""

    def deliberate(
        self,
        request: RunRequest,
        run_id: str,
        client: str | None,
        depth: int,
        leaves: Callable[[], bool],
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the events of a run, whoever does it; closing the iterator cancels it.

        `leaves` says whether only this server stops to follow, and the run goes on.

        Raises:
            ConfigError, RunFailed: As `graph.api.deliberate`.
        """

    def settled_usd(self, run_id: str) -> float | None:
        """What the calls of a run that was cancelled have cost at most; asked once.

        0 if no worker had begun with it, None if its worker has not said it.
        """

    async def order(self, run_id: str, action: dict[str, Any]) -> None:
        """Ask something of a run, and return when its worker has done it.

        Raises:
            ConfigError: As `Steering` says, and if no worker has the run.
        """
