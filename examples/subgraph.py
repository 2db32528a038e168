"""The panel as one node of your own graph, with your own context and checkpointer.

Real models: set OPENROUTER_API_KEY and change the preset to `budget`.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from langchain_core.messages import AnyMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from langgraph_fusion import create_fusion, load_settings


@dataclass
class Reader:
    name: str


class State(TypedDict):
    topic: str
    messages: Annotated[list[AnyMessage], add_messages]
    headline: str


async def ask(state: State, runtime: Runtime[Reader]) -> dict:
    reader = SystemMessage(f"Write for {runtime.context.name}.")
    return {"messages": [reader, HumanMessage(f"What does {state['topic']} verify?")]}


async def headline(state: State) -> dict:
    return {"headline": state["messages"][-1].text.splitlines()[0]}


graph = StateGraph(State, context_schema=Reader)
graph.add_node("ask", ask)
graph.add_node("panel", create_fusion(load_settings({"preset": "offline"})))
graph.add_node("headline", headline)
graph.add_edge(START, "ask")
graph.add_edge("ask", "panel")
graph.add_edge("panel", "headline")
graph.add_edge("headline", END)
app = graph.compile(checkpointer=InMemorySaver())


async def main() -> None:
    asked = {"topic": "the check"}
    thread = {"configurable": {"thread_id": "1"}}
    async for space, update in app.astream(
        asked, thread, context=Reader("Ada"), stream_mode="updates", subgraphs=True
    ):
        print("/".join(part.split(":")[0] for part in space) or "parent", *update)
    print("\nHeadline:", (await app.aget_state(thread)).values["headline"])


asyncio.run(main())
