"""Checks of what a deliberation needs; the engine of sandboxes is not asked at every probe."""

import asyncio
import time
from dataclasses import dataclass

from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.sandbox.base import SandboxUnavailable

_FRESH_S = 5.0
"""How long a finding counts; probes come every few seconds, from several places."""
_WITHIN_S = 5.0


@dataclass(frozen=True)
class Check:
    """One thing that a deliberation needs; `needed` says whether it can do without."""

    ok: bool
    detail: str
    needed: bool = True


class EngineProbe:
    """What was last found of the engine. For one event loop only."""

    def __init__(self) -> None:
        self._found = Check(False, "")
        self._fresh_until = 0.0
        self._asking = asyncio.Lock()

    async def check(self, settings: FusionSettings) -> Check:
        """Whether sandboxes can start, as found in the last seconds."""
        async with self._asking:  # who comes meanwhile shares the finding
            if time.monotonic() >= self._fresh_until:
                self._found = await _asked(settings)
                self._fresh_until = time.monotonic() + _FRESH_S
        return self._found


async def _asked(settings: FusionSettings) -> Check:
    from langgraph_fusion.sandbox.image import status

    try:
        async with asyncio.timeout(_WITHIN_S):
            found = await status(settings.sandbox)
    except (SandboxUnavailable, TimeoutError) as error:
        return Check(False, str(error) or "no answer", needed=settings.require_sandbox)
    missing = [f"{one.name}: {one.detail}" for one in found.checks if not one.ok]
    return Check(not missing, "; ".join(missing) or "ready", needed=settings.require_sandbox)
