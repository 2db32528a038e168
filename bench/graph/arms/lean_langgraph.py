"""The bare LangGraph graph with our chat model in place of `ChatOpenAI`: what the graph costs."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.language_models import BaseChatModel

from bench.graph.arms.bare_langgraph import arm_of
from bench.graph.arms.base import Arm, Workload
from langgraph_fusion.models.factory import ModelOptions, chat_model
from langgraph_fusion.models.http import close_http_client
from langgraph_fusion.models.providers import ModelRef


@asynccontextmanager
async def opened(workload: Workload) -> AsyncIterator[Arm]:
    """Use the connections that our own arm uses."""
    env = {**os.environ, "OPENROUTER_BASE_URL": workload.base_url, "OPENROUTER_API_KEY": "bench"}

    def model(body: dict[str, Any]) -> BaseChatModel:
        extra = {key: body[key] for key in ("response_format",) if key in body}
        return chat_model(ModelRef.parse(body["model"]), ModelOptions(extra=extra), env=env)

    yield arm_of(workload, model)
    await close_http_client()
