"""What is compared: the same five calls (three in parallel, a judge, a writer), three ways."""

import asyncio
import operator
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any

import aiohttp
from langchain_core.messages import HumanMessage
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.models.factory import chat_model
from langgraph_fusion.models.http import close_http_client
from langgraph_fusion.models.ref import ModelRef

MEMBERS = ("m/a", "m/b", "m/c")
JUDGE, WRITER = "j/judge", "w/writer"
Once = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def bare_asyncio() -> AsyncIterator[Once]:
    """Aiohttp and `gather`: the floor."""
    url = f"{os.environ['OPENROUTER_BASE_URL']}/chat/completions"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(model: str) -> str:
            body = {"model": model, "messages": [{"role": "user", "content": "What is it?"}]}
            async with session.post(url, json=body) as response:
                said = await response.json()
            return str(said["choices"][0]["message"]["content"])

        async def once() -> None:
            await asyncio.gather(*(call(model) for model in MEMBERS))
            await call(JUDGE)
            await call(WRITER)

        yield once


class _State(TypedDict):
    answers: Annotated[list[str], operator.add]


@asynccontextmanager
async def bare_langgraph() -> AsyncIterator[Once]:
    """Five nodes that each make one call through our chat model, and nothing else."""

    def node(model: str) -> Any:
        ref = ModelRef.parse(model)

        async def call(state: _State) -> dict[str, list[str]]:
            reply = await chat_model(ref).ainvoke([HumanMessage("What is it?")])
            return {"answers": [str(reply.text)]}

        return call

    graph = StateGraph(_State)
    for model in (*MEMBERS, JUDGE, WRITER):
        graph.add_node(model, node(model))
    for model in MEMBERS:
        graph.add_edge(START, model)
        graph.add_edge(model, JUDGE)
    graph.add_edge(JUDGE, WRITER)
    graph.add_edge(WRITER, END)
    compiled = graph.compile()
    yield lambda: compiled.ainvoke({"answers": []})
    await close_http_client()


@asynccontextmanager
async def ours() -> AsyncIterator[Once]:
    """`create_fusion`, without tools."""
    given = {"panel": list(MEMBERS), "judge": JUDGE, "synthesizer": WRITER, "tools": []}
    graph = create_fusion(load_settings(given))
    yield lambda: graph.ainvoke({"messages": [HumanMessage("What is it?")]})
    await close_http_client()


ARMS: dict[str, Callable[[], AbstractAsyncContextManager[Once]]] = {
    "asyncio + aiohttp": bare_asyncio,
    "bare LangGraph": bare_langgraph,
    "langgraph-fusion": ours,
}
