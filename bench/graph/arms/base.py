"""What every arm gives, and what it is told."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen


@dataclass(frozen=True)
class Watched:
    """One streamed run, in seconds."""

    first_s: float
    """From asking to the first event or byte."""
    token_s: float
    """From the model server's sending of the writer's first token to its arrival at the client."""


@dataclass(frozen=True)
class Workload:
    """What the runs do."""

    server: str
    """Address of the model server."""
    agentic: bool = False
    """Members make five tool calls each; otherwise they have no tools."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Further settings of a deliberation, for our own arms."""

    @property
    def base_url(self) -> str:
        return f"{self.server}/v1"

    def recorded(self) -> dict[str, Any]:
        """The request bodies that our own arm sent first, by model: what bare arms repeat."""
        with urlopen(f"{self.server}/seen") as response:
            return dict(json.load(response))


TICK_S = 0.01


async def lag_of_this_loop() -> float:
    """How late the event loop wakes a sleeper, in seconds."""
    began = time.perf_counter()
    await asyncio.sleep(TICK_S)
    return time.perf_counter() - began - TICK_S


@dataclass
class Arm:
    """A way to make the calls, ready to go."""

    once: Callable[[], Awaitable[Any]]
    """One run; what it returns is how many members were heard, if the arm knows."""
    watch: Callable[[], Awaitable[Watched]] | None = None
    """One run whose answer is streamed to the client."""
    pid: int = field(default_factory=os.getpid)
    """The process whose CPU and memory count, its children included."""
    peak_mib: Callable[[], float] | None = None
    """Most memory that one of its processes had, where each run has its own."""
    lag: Callable[[], Awaitable[float]] = lag_of_this_loop
    """How long the arm's event loop lets a moment's work wait, in seconds."""
