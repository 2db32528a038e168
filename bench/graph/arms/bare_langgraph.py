"""The same calls as a LangGraph graph of five nodes with the chat model most people use.

`ChatOpenAI` here goes over the OpenAI SDK's aiohttp client: its default one, httpx, queues calls in
a pool whose cost grows with the square of their number. In the agentic workload members are
`create_agent`s.
"""

import operator
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from openai import DefaultAioHttpClient
from pydantic import SecretStr
from typing_extensions import TypedDict

from bench.graph.arms.base import Arm, Workload
from bench.graph.cast import JUDGE, MEMBERS, TOOL, WRITER, looked_up

MakeModel = Callable[[dict[str, Any]], BaseChatModel]


class State(TypedDict):
    answers: Annotated[list[str], operator.add]


@asynccontextmanager
async def opened(workload: Workload) -> AsyncIterator[Arm]:
    """Open one HTTP client for all models."""
    async with DefaultAioHttpClient(timeout=None) as client:

        def model(body: dict[str, Any]) -> BaseChatModel:
            return ChatOpenAI(
                model=body["model"],
                base_url=workload.base_url,
                api_key=SecretStr("bench"),
                max_retries=0,
                stream_usage=True,
                http_async_client=client,
                extra_body={key: body[key] for key in ("usage", "response_format") if key in body},
            )

        yield arm_of(workload, model)


def arm_of(workload: Workload, make_model: MakeModel) -> Arm:
    """Wire three members, a judge and a writer."""
    bodies = workload.recorded()
    graph = StateGraph(State)
    for name in MEMBERS:
        made = make_model(bodies[name])
        node = _agent(made, bodies[name]) if workload.agentic else _call(made, bodies[name])
        graph.add_node(name, node)
        graph.add_edge(START, name)
        graph.add_edge(name, JUDGE)
    graph.add_node(JUDGE, _call(make_model(bodies[JUDGE]), bodies[JUDGE]))
    graph.add_node(WRITER, _write(make_model(bodies[WRITER]), bodies[WRITER]))
    graph.add_edge(JUDGE, WRITER)
    graph.add_edge(WRITER, END)
    compiled = graph.compile()
    return Arm(lambda: compiled.ainvoke({"answers": []}))


@tool(TOOL)
async def lookup(key: str) -> str:
    """Look something up."""
    return looked_up(key)


def _call(model: BaseChatModel, body: dict[str, Any]) -> Any:
    messages = convert_to_messages(body["messages"])

    async def call(state: State) -> dict[str, list[str]]:
        reply = await model.ainvoke(messages)
        return {"answers": [str(reply.text)]}

    return call


def _write(model: BaseChatModel, body: dict[str, Any]) -> Any:
    messages = convert_to_messages(body["messages"])

    async def write(state: State) -> dict[str, list[str]]:
        texts = [str(chunk.text) async for chunk in model.astream(messages)]
        return {"answers": ["".join(texts)]}

    return write


def _agent(model: BaseChatModel, body: dict[str, Any]) -> Any:
    messages: list[BaseMessage] = convert_to_messages(body["messages"])
    agent: Any = create_agent(model, tools=[lookup])

    async def member(state: State) -> dict[str, list[str]]:
        found = await agent.ainvoke({"messages": messages})
        return {"answers": [str(found["messages"][-1].text)]}

    return member
