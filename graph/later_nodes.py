"""The nodes that come after the members, loaded while their models answer.

A command sends its first request without them. Whoever serves many runs loads them at the start.
"""

import asyncio
from importlib import import_module

from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState, Json

_MODULES = ("judging.judge", "writing.synthesizer", "writing.check", "result")

_loaded = False


def load() -> None:
    """Import what the nodes need; free once it is done."""
    global _loaded
    for name in () if _loaded else _MODULES:
        import_module(f"langgraph_fusion.graph.{name}")
    _loaded = True


async def load_meanwhile(run: Run) -> None:
    """Import what the nodes need in a thread, once the first model has begun to answer."""
    if not _loaded:
        await run.models_speak.wait()
        await asyncio.to_thread(load)


async def judge(state: FusionState, config: RunnableConfig) -> Json:
    """See `judging.judge`."""
    from langgraph_fusion.graph.judging.judge import judge as node

    return await node(state, config)


async def synthesizer(state: FusionState, config: RunnableConfig) -> Json:
    """See `writing.synthesizer`."""
    from langgraph_fusion.graph.writing.synthesizer import synthesizer as node

    return await node(state, config)


async def verify(state: FusionState, config: RunnableConfig) -> Json:
    """See `verification.verify`."""
    from langgraph_fusion.graph.verification.verify import verify as node

    return await node(state, config)


async def check(state: FusionState, config: RunnableConfig) -> Json:
    """See `writing.check`."""
    from langgraph_fusion.graph.writing.check import check as node

    return await node(state, config)
