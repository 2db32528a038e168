"""A panel of agents, a judge and a synthesizer as one LangGraph graph.

from langgraph_fusion import ask, load_settings

result = ask("What is …?", load_settings({"preset": "budget"}))
print(result.answer)
"""

from importlib import import_module
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph_fusion.graph.api import aask, ask, deliberate
    from langgraph_fusion.graph.build import create_fusion
    from langgraph_fusion.graph.calls.steering import Steering
    from langgraph_fusion.graph.errors import ConfigError, FusionError, RunFailed
    from langgraph_fusion.graph.fusion_tool import fusion_tool
    from langgraph_fusion.graph.preflight.estimate import estimate
    from langgraph_fusion.graph.result import FusionResult
    from langgraph_fusion.graph.settings import FusionSettings, load_settings

# In a source checkout the subpackages (graph/, models/, tools/, ...) are folders at the repository
# root; in an installed wheel they are ordinary subpackages and this finds nothing to add.
_root = _Path(__file__).resolve().parent.parent
if (_root / "langgraph.json").is_file() and (_root / "graph" / "__init__.py").is_file():
    __path__.append(str(_root))

_HOMES = {
    "aask": "graph.api",
    "ask": "graph.api",
    "deliberate": "graph.api",
    "estimate": "graph.preflight.estimate",
    "create_fusion": "graph.build",
    "ConfigError": "graph.errors",
    "FusionError": "graph.errors",
    "RunFailed": "graph.errors",
    "Steering": "graph.calls.steering",
    "fusion_tool": "graph.fusion_tool",
    "FusionResult": "graph.result",
    "FusionSettings": "graph.settings",
    "load_settings": "graph.settings",
}

__all__ = [
    "ConfigError",
    "FusionError",
    "FusionResult",
    "FusionSettings",
    "RunFailed",
    "Steering",
    "aask",
    "ask",
    "create_fusion",
    "deliberate",
    "estimate",
    "fusion_tool",
    "load_settings",
]


def __getattr__(name: str) -> Any:
    """Import the public names late: LangGraph takes seconds to load."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"langgraph_fusion.{_HOMES[name]}"), name)
