"""The last message of a run: its answer, with the whole result in its metadata."""

from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import tool_call

from langgraph_fusion.graph.state import Json


def final_message(result: Json) -> AIMessage:
    """Make it of a `FusionResult` as JSON; in mode `analysis` its text is the analysis."""
    metadata: dict[str, Any] = {"fusion": result, "model_name": f"fusion/{result['preset']}"}
    text = result["answer"]
    if result["mode"] == "analysis":
        from langgraph_fusion.graph.analysis import Analysis

        text = Analysis(**(result["analysis"] or {})).model_dump_json(indent=2)
    made = [tool_call(**call) for call in result["tool_calls"]]
    return AIMessage(content=text, tool_calls=made, name="fusion", response_metadata=metadata)
