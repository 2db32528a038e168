"""What the writer is sent: its role, the caller's instructions, and the panel's work as data."""

from langchain_core.messages import BaseMessage, SystemMessage

from langgraph_fusion.graph.judging.evidence import (
    EvidenceLimits,
    answer_blocks,
    follow_up_blocks,
)
from langgraph_fusion.graph.judging.told import analysis_told
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.prompts.shown import ShownPassages
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.graph.records import MemberAnswer
from langgraph_fusion.graph.request.conversation import after_question, instructions, replayed
from langgraph_fusion.graph.request.response_format import in_words
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.graph.state import FusionState


def writer_messages(
    run: Run, state: FusionState, best: MemberAnswer, limits: EvidenceLimits
) -> list[BaseMessage]:
    """The whole request of a writer, with as much evidence as there is room for."""
    text = instructions(state["messages"])
    system = writer_system(
        run.settings,
        run.today,
        judged=bool(state["analysis"]),
        followed_up=bool(state["round"]),
        instructed=bool(text),
    )
    given = [SystemMessage(text)] if text else []
    after = replayed(after_question(state["messages"]))
    return [
        SystemMessage(system),
        *given,
        run.images.with_question(_panels_work(run, state, best, limits), state["messages"]),
        *after,
    ]


def writer_system(
    settings: FusionSettings,
    today: str,
    *,
    judged: bool = True,
    followed_up: bool = False,
    instructed: bool = False,
) -> str:
    """The writer's role in the mode of the settings; it speaks only of what there is."""
    use = [prompt("use_analysis")] if judged else []
    use += [prompt("use_follow_ups")] if followed_up else []
    given = {
        "today": today, "use": "\n".join(use), "length": prompt(f"length_{settings.length}"),
    }  # fmt: skip
    if settings.mode == "select":
        role = prompt("select", **given)
    else:
        role = prompt("synthesizer", **given, checklist=prompt("check_analysis") if judged else "")
    parts = [role, prompt("instructions") if instructed else "", of_the_caller(settings)]
    return "\n\n".join(part for part in parts if part)


def of_the_caller(settings: FusionSettings, *, direct: bool = False) -> str:
    """What the caller's own tools and form ask of the writer, beyond its role."""
    parts = [prompt("client_tools")] if settings.client_tools and not direct else []
    if direct and settings.length != "auto":
        parts.append(prompt(f"length_{settings.length}"))
    if settings.response_format:
        parts.append(prompt("answer_form", schema=in_words(settings.response_format)))
    return "\n\n".join(parts)


def _panels_work(run: Run, state: FusionState, best: MemberAnswer, limits: EvidenceLimits) -> str:
    parts = [tag("question", state["question"])]
    if run.files:
        parts.append(run.files.listing)
    if state["conversation"]:
        parts.append(tag("conversation", state["conversation"]))
    if state["analysis"]:
        from langgraph_fusion.graph.analysis import Analysis

        asked = {one["id"] for one in state["follow_ups"]}
        parts.append(tag("analysis", analysis_told(Analysis(**state["analysis"]), asked)))
    seen = ShownPassages()
    parts.append(answer_blocks(state, run.settings.letters, limits, seen))
    if state["round"]:
        parts.append(follow_up_blocks(state, limits, seen=seen))
    if run.settings.mode == "select":
        parts.append(tag("best_answer", best.text, seat=best.seat))
    return "\n\n".join(part for part in parts if part)
