"""Our graph through `create_fusion`."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from bench.graph.arms.base import Arm, Watched, Workload
from bench.graph.cast import JUDGE, MEMBERS, QUESTION, TOOL, WRITER, looked_up
from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.models.http import close_http_client


@asynccontextmanager
async def opened(workload: Workload) -> AsyncIterator[Arm]:
    """Build the graph once; every run invokes it."""
    os.environ["OPENROUTER_BASE_URL"] = workload.base_url
    os.environ["OPENROUTER_API_KEY"] = "bench"
    graph = create_fusion(
        load_settings(settings_of(workload)), tools=[lookup] if workload.agentic else []
    )
    asked = {"messages": [HumanMessage(QUESTION)]}

    async def once() -> int:
        found = await graph.ainvoke(asked)
        return sum(one["status"] == "ok" for one in found["fusion"]["answers"])

    async def watch() -> Watched:
        began, first_s, token_s = time.perf_counter(), 0.0, 0.0
        async for event in graph.astream(asked, stream_mode="custom"):
            first_s = first_s or time.perf_counter() - began
            if event["type"] == "writer.delta":
                token_s = token_s or time.time() - float(event["text"].split()[0])
        return Watched(first_s, token_s)

    yield Arm(once, watch)
    await close_http_client()


def settings_of(workload: Workload) -> dict[str, Any]:
    """A panel of three without tools of ours, and what the workload adds."""
    cast = {"panel": list(MEMBERS), "judge": JUDGE, "synthesizer": WRITER, "tools": []}
    return {**cast, **workload.settings}


@tool(TOOL)
async def lookup(key: str) -> str:
    """Look something up."""
    return looked_up(key)
