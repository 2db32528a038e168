"""The graph for LangGraph Studio and the LangGraph server: `langgraph.json` points here.

Loaded by path as a stand-alone module, hence the absolute imports.
"""

import os
from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph_sdk.runtime import ServerRuntime

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.fusion_graph import FusionGraph
from langgraph_fusion.graph.journal.store import OFF, VARIABLE
from langgraph_fusion.graph.preflight.readiness import default_preset
from langgraph_fusion.graph.served_graph import ServedGraph
from langgraph_fusion.graph.settings import FusionSettings, load_settings


async def graph(config: RunnableConfig, runtime: ServerRuntime[Any]) -> FusionGraph:
    """Build the graph for the run's context or the assistant's settings.

    Without settings it is the preset that fits this machine. Where `FUSION_RUNS` names a store, a
    run is kept in it under the server's id: when the server begins it again, it is gone on with.
    Settings that are wrong end a run, whose stream says why; drawn they raise ConfigError.
    """
    executing = runtime.execution_runtime
    if executing is None:
        return await _graph(config.get("configurable", {}), {})
    given = {**config.get("configurable", {}), **_settings_in(executing.context)}
    try:
        return ServedGraph.of_graph(await _graph(given, _kept(config)))
    except ConfigError as error:
        return ServedGraph.of_graph(await _graph({}, {}), error)


async def _graph(given: Mapping[str, Any], kept: Mapping[str, Any]) -> FusionGraph:
    chosen = {key: given[key] for key in FusionSettings.model_fields if key in given}
    if "preset" not in chosen:
        chosen["preset"] = (await default_preset())[0]
    return create_fusion(load_settings(chosen), **kept)


def _settings_in(context: Any) -> Mapping[str, Any]:
    if isinstance(context, FusionSettings):
        return context.model_dump(exclude_unset=True)
    return context if isinstance(context, Mapping) else {}


def _kept(config: RunnableConfig) -> dict[str, Any]:
    """Where the run is kept, and under which id; nothing if the operator names no store.

    Which process works on a run is the server's to say, and a lease of its own decides it.
    """
    place = os.environ.get(VARIABLE, OFF)
    named = config.get("configurable", {}).get("run_id")  # no client can choose this one
    if place == OFF or not named:
        return {}
    return {"runs": place, "run_id": str(named).replace("-", ""), "take_over": "always"}
