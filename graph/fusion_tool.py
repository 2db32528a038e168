"""The deliberation as a tool, for an agent that decides itself when a question is worth a panel."""

import json
from typing import Annotated, Any

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import RunFailed
from langgraph_fusion.graph.preflight.readiness import check_settings, user_prices
from langgraph_fusion.graph.settings import FusionSettings, load_settings

DELIBERATE = "deliberate"
DESCRIPTION = (
    "Put one question to a panel of independent models that research it, are compared by a judge "
    "and answered by a writer, with checked sources. Slow and costly: use it for hard, contested "
    "or high-stakes questions, not for what you know or can look up at once. The panel sees "
    "nothing but the question: put all the context it needs into it."
)
_WAY_OUT = "Answer without it and say so, or ask once more with a narrower question."


class FusionToolInput(BaseModel):
    """What the agent's model fills in."""

    question: Annotated[str, Field(min_length=1, description="The whole question, with context.")]


def fusion_tool(
    settings: FusionSettings | None = None,
    *,
    name: str = DELIBERATE,
    description: str = DESCRIPTION,
    **given: Any,
) -> BaseTool:
    """Return a tool `name(question)` that deliberates; async, like the graph.

    The agent's model reads the answer with its sources. The tool message's `artifact` is the whole
    result as JSON, for `FusionResult.model_validate`. The run's events stream through the graph
    that calls the tool. A run that fails is a tool error that the model can act on. `given`
    goes to `create_fusion`.

    Raises:
        ConfigError: At once, if a setting is wrong or a key, a folder or a price is missing.
    """
    settings = settings or load_settings()
    check_settings(settings, user_prices())
    graph = create_fusion(settings, **given)

    async def deliberate(question: str, config: RunnableConfig) -> tuple[str, dict[str, Any]]:
        try:
            out = await graph.ainvoke({"messages": [HumanMessage(question)]}, config)
        except RunFailed as failed:
            raise ToolException(f"The deliberation failed: {failed}\n{_WAY_OUT}") from failed
        return text_for_model(out["fusion"]), out["fusion"]

    return StructuredTool.from_function(
        coroutine=deliberate,
        name=name,
        description=description,
        args_schema=FusionToolInput,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def answer_or_analysis(result: dict[str, Any]) -> str:
    """The answer of a `FusionResult`, or in mode `analysis` the analysis as JSON."""
    if result["answer"]:
        return str(result["answer"])
    return json.dumps(result["analysis"], ensure_ascii=False, indent=2)


def text_for_model(result: dict[str, Any]) -> str:
    """The answer, and what a model has to know of how it came about."""
    answer = answer_or_analysis(result)
    notes = "\n".join(f"- {note}" for note in result["notes"])
    return f"{answer}\n\n## Notes on this deliberation\n\n{notes}" if notes else answer
