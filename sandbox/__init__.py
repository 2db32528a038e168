"""Where untrusted commands run: contract, two implementations, image, reaper.

Importing this package loads neither Docker nor anything else that is heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph_fusion.sandbox.base import (
        ExecResult,
        Sandbox,
        SandboxError,
        SandboxFile,
        SandboxFileError,
        SandboxUnavailable,
    )
    from langgraph_fusion.sandbox.pool import SandboxPool
    from langgraph_fusion.sandbox.settings import SandboxSettings

__all__ = [
    "ExecResult",
    "Sandbox",
    "SandboxError",
    "SandboxFile",
    "SandboxFileError",
    "SandboxPool",
    "SandboxSettings",
    "SandboxUnavailable",
]

_MODULES = {"SandboxPool": "pool", "SandboxSettings": "settings"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'base')}"), name)
