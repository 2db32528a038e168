"""Our server with two worker processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.graph.arms import fusion_http
from bench.graph.arms.base import Arm, Workload


@asynccontextmanager
async def opened(workload: Workload) -> AsyncIterator[Arm]:
    """Start `fusion serve --workers 2`."""
    async with fusion_http.opened(workload, processes=2) as made:
        yield made
