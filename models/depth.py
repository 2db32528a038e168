"""How many deliberations a request is inside of: a header of every request to a model server."""

from __future__ import annotations

from contextvars import ContextVar

DEPTH = "x-openrouter-fusion-depth"
"""The header, by which a server that is asked from inside a deliberation starts no other one."""
depth: ContextVar[int] = ContextVar("fusion_depth", default=0)
"""Of the request that this process is working for; 0 at the outermost."""
