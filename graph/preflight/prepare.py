"""Start of a run: read the question, and clear what an earlier run on the same thread left."""

from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.types import Overwrite

from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.final_message import final_message
from langgraph_fusion.graph.images.describe import needs_description
from langgraph_fusion.graph.journal.stored_result import StoredResult
from langgraph_fusion.graph.judging.panel_growth import first_seats
from langgraph_fusion.graph.preflight.fetched_images import with_images_fetched
from langgraph_fusion.graph.preflight.least_cap import check_cap
from langgraph_fusion.graph.preflight.open_images import open_images
from langgraph_fusion.graph.preflight.read_files import read_given_files
from langgraph_fusion.graph.preflight.request_check import (
    check_documents,
    question_channels,
    question_place,
)
from langgraph_fusion.graph.request.images import has_images
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState, Json


async def prepare(state: FusionState, config: RunnableConfig) -> Json:
    """Set every channel of the run; raises ConfigError when there is no question."""
    run = Run.of(config)
    run.prepared = True
    at = question_place(state["messages"])
    if run.earlier is not None:
        return _earlier_result(run, run.earlier, state)
    messages = await with_images_fetched(state["messages"], run.settings)
    messages = await read_given_files(run, messages)
    state = cast("FusionState", {**state, "messages": messages})
    check_documents(run.settings, with_files=bool(run.files))
    question = question_channels(messages, at, run.id)
    run.turn = sum(message.type == "ai" for message in messages[at:])
    await open_images(run, messages, question["question"])
    check_cap(run, cast("FusionState", {**state, **question}))
    await run.begin(messages)
    tell("run.started", **_who_sits_where(run))
    return {
        "fusion": {},
        "messages": [one for one in messages if has_images(one)],
        **question,
        **_channels(run),
    }


def _earlier_result(run: Run, earlier: StoredResult, state: FusionState) -> Json:
    """The result of a run that had finished before it was taken over: the graph ends with it."""
    earlier.check_asked(state["messages"])
    tell("run.started", **_who_sits_where(run))
    tell("run.finished", result=earlier.result)
    question = {"question": earlier.result["question"], "conversation": ""}
    messages = [final_message(earlier.result)]
    return _channels(run) | question | {"fusion": earlier.result, "messages": messages}


def _channels(run: Run) -> Json:
    """What a new run has in the channels of an earlier one."""
    return {
        "seating": first_seats(run.settings),
        "describing": needs_description(run),
        "image_views": Overwrite({}),
        "image_description": Overwrite({}),
        "growth": None,
        "round": 0,
        "asked": [],
        "follow_ups": Overwrite([]),
        "answers": Overwrite([]),
        "analysis": None,
        "judged_by": None,
        "ended": None,
        "sources": Overwrite({}),
        "dropped": Overwrite([]),
        "bill": Overwrite([]),
        "degraded": Overwrite(list(run.degraded)),
        "notes": Overwrite(list(run.notes)),
        "draft": "",
        "tool_calls": [],
        "written_by": None,
        "revision": None,
        "verification": None,
    }


def _who_sits_where(run: Run) -> Json:
    settings, judge = run.settings, run.settings.judge
    seats = [
        {"seat": letter, "model": str(seat.models[0])}
        for letter, seat in zip(settings.letters, settings.members, strict=False)
    ]
    seated = settings.letters if settings.members else ""
    tools = sorted({group for letter in seated for group in run.tools_of(letter)})
    images = [image.facts for image in run.images.images]
    return {
        "run_id": run.id,
        "kept": run.lifecycle is not None or run.earlier is not None,
        "preset": settings.preset,
        "seats": seats,
        "judge": str(judge.models[0]) if judge and settings.members else None,
        "synthesizer": str(settings.synthesizer.models[0]),
        "files": [file.line for file in run.files.files],
        "tools": [tool for tool in tools if tool != "bash" or run.pool is not None],
        "notes": list(run.notes),
    } | ({"images": images} if images else {})
