"""The graph for LangGraph Studio and the LangGraph server: `langgraph.json` points here.

Loaded by path as a stand-alone module, hence the absolute imports.
"""

from dataclasses import replace

from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.fusion_graph import FusionGraph
from langgraph_fusion.graph.mcp_file import check_widens_nothing
from langgraph_fusion.graph.preflight.readiness import default_preset
from langgraph_fusion.graph.settings import FusionSettings, load_settings


async def graph(config: RunnableConfig) -> FusionGraph:
    """Build the graph for the assistant's settings, or the preset that fits this machine."""
    given = config.get("configurable", {})
    chosen = {key: given[key] for key in FusionSettings.model_fields if key in given}
    if "preset" not in chosen:
        chosen["preset"] = (await default_preset())[0]
    settings = load_settings(chosen)
    check_widens_nothing(settings)
    made = create_fusion(settings)
    made.hooks = replace(made.hooks, check=check_widens_nothing)
    return made
