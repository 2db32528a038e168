"""An agent that decides itself when a question is worth a panel.

Real models: `AGENT_MODEL=openai:gpt-5.5 FUSION_PRESET=fast python examples/agent_tool.py`, with
OPENAI_API_KEY and OPENROUTER_API_KEY set. Without them a scripted model plays the agent.
"""

import asyncio
import os

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from langgraph_fusion import FusionResult, fusion_tool, load_settings

QUESTION = "What does the check verify?"


class Scripted(GenericFakeChatModel):
    """Calls the tool once, then reports."""

    def bind_tools(self, tools, **kwargs):
        return self


def model():
    if name := os.environ.get("AGENT_MODEL"):
        return name
    call = {"name": "deliberate", "args": {"question": QUESTION}, "id": "1"}
    return Scripted(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("See the panel.")]))


async def main() -> None:
    panel = fusion_tool(load_settings({"preset": os.environ.get("FUSION_PRESET", "offline")}))
    agent = create_agent(model(), [panel])
    out = await agent.ainvoke({"messages": [HumanMessage(QUESTION)]})
    for message in out["messages"]:
        print(f"{message.type}: {message.text or '(calls the panel)'}\n")
        if isinstance(message, ToolMessage):
            result = FusionResult.model_validate(message.artifact)
            print(f"({len(result.sources)} sources, {len(result.answers)} answers)\n")


asyncio.run(main())
