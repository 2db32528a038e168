"""Start of a run: read the question, and clear what an earlier run on the same thread left."""

from typing import cast

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.types import Overwrite

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.least_cap import check_cap
from langgraph_fusion.graph.run import Run
from langgraph_fusion.graph.state import FusionState, Json


async def prepare(state: FusionState, config: RunnableConfig) -> Json:
    """Set every channel of the run; raises ConfigError when there is no question."""
    run = Run.of(config)
    messages = state["messages"]
    if not messages or messages[-1].type != "human" or not messages[-1].text.strip():
        raise ConfigError("messages: the last one must be a user message with text in it")
    asked = {
        "question": messages[-1].text.strip(),
        "conversation": _earlier(messages[:-1]),
    }
    run.begin(messages)
    check_cap(run, cast("FusionState", {**state, **asked}))
    tell("run.started", **_who_sits_where(run))
    return {
        "fusion": {},
        **asked,
        "round": 0,
        "asked": [],
        "follow_ups": Overwrite([]),
        "answers": Overwrite([]),
        "analysis": None,
        "judged_by": None,
        "sources": Overwrite({}),
        "dropped": Overwrite([]),
        "bill": Overwrite([]),
        "degraded": Overwrite(list(run.degraded)),
        "notes": Overwrite(list(run.notes)),
        "draft": "",
        "written_by": None,
    }


def _earlier(messages: list[AnyMessage]) -> str:
    speakers = {"human": "User", "ai": "Assistant", "system": "Instructions"}
    turns = [(speakers.get(message.type), message.text.strip()) for message in messages]
    return "\n\n".join(f"{speaker}: {text}" for speaker, text in turns if speaker and text)


def _who_sits_where(run: Run) -> Json:
    settings = run.settings
    seats = [
        {"seat": letter, "model": str(seat.models[0])}
        for letter, seat in zip(settings.letters, settings.panel, strict=True)
    ]
    tools = sorted({group for seat in settings.panel for group in settings.tools_of(seat)})
    return {
        "run_id": run.id,
        "preset": settings.preset,
        "seats": seats,
        "judge": str(settings.judge.models[0]),
        "synthesizer": str(settings.synthesizer.models[0]),
        "tools": [tool for tool in tools if tool != "bash" or run.pool is not None],
        "notes": list(run.notes),
    }
