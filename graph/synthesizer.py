"""The synthesizer writes the one answer; if no writer can, the best member's answer is returned."""

from collections.abc import Sequence
from functools import partial

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.budget import BudgetReached
from langgraph_fusion.graph.caller import Caller, Mend, SeatFailed, unmended
from langgraph_fusion.graph.conversation import replayed
from langgraph_fusion.graph.errors import WriterFailed
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.evidence import Room, answer_blocks, follow_up_blocks, latest
from langgraph_fusion.graph.fitting import Fitting
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.records import MemberAnswer
from langgraph_fusion.graph.run import Run
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.tags import tag
from langgraph_fusion.graph.tool_calls import without_tool_calls
from langgraph_fusion.models.answer_text import finish_reason
from langgraph_fusion.models.markup import strip_tool_markup

CONTINUATIONS = 3
"""How often a writer that hit its output limit is asked to go on."""


async def synthesizer(state: FusionState, config: RunnableConfig) -> Json:
    """Write the draft in the mode of the settings."""
    run = Run.of(config)
    if run.settings.mode == "direct":
        return await _direct(run, state)
    best = _best(state)
    if run.settings.mode == "analysis":
        return _update(run, "", None, None)
    if run.settings.mode == "select" and not _needs_correction(state, best):
        return _update(run, best.text, f"seat {best.seat}", None)
    tell("sources", sources=[_untold(source) for source in state["sources"].values()])
    caller = run.caller(run.settings.synthesizer, "synthesizer", "synthesizer", state["round"])
    fitting = Fitting(run, "synthesizer", partial(_prompt, run, state, best))
    try:
        text = await _written(caller, fitting.messages, run, fitting.mend)
        written_by = str(caller.model)
    except (SeatFailed, BudgetReached) as error:
        _degrade(run, error, best)
        text, written_by = best.text, f"seat {best.seat}"
    return _update(run, text, written_by, caller)


async def _direct(run: Run, state: FusionState) -> Json:
    """The answer of the writer alone; raises WriterFailed when there is none."""
    caller = run.caller(run.settings.synthesizer, "synthesizer", "synthesizer", 0)
    try:
        text = await _written(caller, replayed(state["messages"]), run)
    except SeatFailed as failed:
        raise _failed(caller, failed.fault.reason, failed.fault.detail) from failed
    except BudgetReached as reached:
        raise _failed(caller, "budget", str(reached)) from reached
    return _update(run, text, str(caller.model), caller)


def _failed(caller: Caller, reason: str, detail: str) -> WriterFailed:
    tell("writer.finished", model="", reason=reason)
    return WriterFailed(str(caller.model), reason, detail)


async def _written(
    caller: Caller, messages: Sequence[BaseMessage], run: Run, mend: Mend = unmended
) -> str:
    """The whole text, continued when it was cut off at an output limit."""
    mode = run.settings.mode

    async def send(model: BaseChatModel) -> AIMessage:
        tell("writer.started", model=str(caller.model), mode=mode)
        return without_tool_calls(await _stream(model, messages, caller))  # it was offered none

    reply = await caller.reply(messages, send, mend=mend)
    if caller.replayed:
        tell("writer.started", model=str(caller.model), mode=mode)
        tell("writer.delta", text=str(reply.text))
    text = str(reply.text)
    for _ in range(CONTINUATIONS):
        if finish_reason(reply) != "length":
            break
        talk = [*messages, AIMessage(text), HumanMessage(prompt("continue"))]
        try:
            reply = await caller.reply(talk, partial(_stream, messages=talk, caller=caller))
        except (SeatFailed, BudgetReached):
            break
        if caller.replayed:
            tell("writer.delta", text=str(reply.text))
        text += str(reply.text)
    if finish_reason(reply) == "length":
        run.degrade("synthesizer_truncated", "The answer is cut off at the writer's output limit.")
    tell("writer.finished", model=str(caller.model), reason=None)
    return strip_tool_markup(text).strip()


async def _stream(
    model: BaseChatModel, messages: Sequence[BaseMessage], caller: Caller
) -> AIMessage:
    """Collect a streamed reply and pass it on piece by piece, if this model has the page."""
    chunks: list[AIMessageChunk] = []
    async for chunk in model.astream(messages):
        if not isinstance(chunk, AIMessageChunk):
            continue
        begun = chunk.text or chunk.additional_kwargs.get("reasoning_content")
        mine = bool(begun) and caller.begins(model)
        if mine and chunk.text:
            tell("writer.delta", text=chunk.text)
        chunks.append(chunk)
    return _merged(chunks)


def _merged(chunks: list[AIMessageChunk]) -> AIMessage:
    """Make one message of a stream at once: one by one, each piece would copy all before it."""
    if not chunks:
        return AIMessageChunk(content="")
    first, *others = chunks
    return add_ai_message_chunks(first, *others)


def _prompt(run: Run, state: FusionState, best: MemberAnswer, room: Room) -> list[BaseMessage]:
    select = run.settings.mode == "select"
    parts = [tag("question", state["question"])]
    if state["conversation"]:
        parts.append(tag("conversation", state["conversation"]))
    if state["analysis"]:
        parts.append(tag("analysis", Analysis(**state["analysis"]).model_dump_json()))
    parts.append(answer_blocks(state, run.settings.letters, room))
    if state["round"]:
        parts.append(follow_up_blocks(state, room))
    if select:
        parts.append(tag("best_answer", best.text, seat=best.seat))
    system = prompt("select" if select else "synthesizer")
    return [SystemMessage(system), HumanMessage("\n\n".join(part for part in parts if part))]


def _untold(source: Json) -> Json:
    """A source without its text: what it takes to resolve a citation."""
    return {name: value for name, value in source.items() if name != "text"}


def _best(state: FusionState) -> MemberAnswer:
    """The judge's choice, else the whole answer with most citations."""
    answers = {seat: one for seat, one in latest(state, 0).items() if one.text}
    chosen = (state["analysis"] or {}).get("best_answer")
    if chosen in answers:
        return answers[chosen]
    return max(answers.values(), key=lambda one: (one.status == "ok", len(one.cited), one.seat))


def _needs_correction(state: FusionState, best: MemberAnswer) -> bool:
    """Whether the judge found something in the best answer, or the panel was asked again."""
    if not state["analysis"]:
        return False
    analysis = Analysis(**state["analysis"])
    suspect = any(one.seat == best.seat for one in analysis.suspect_claims)
    disputed = any(best.seat == s.seat for one in analysis.contradictions for s in one.stances)
    return suspect or disputed or bool(state["round"])


def _degrade(run: Run, error: Exception, best: MemberAnswer) -> None:
    if isinstance(error, SeatFailed):
        code, why = f"synthesizer_{error.fault.reason}", error.fault.detail or error.fault.reason
    else:
        code, why = "synthesizer_budget", str(error)
        run.degrade("budget", "The spend cap was reached before the writer.")
    tell("writer.finished", model="", reason=code)
    run.degrade(code, f"No writer could answer ({why}); this is the answer of seat {best.seat}.")


def _update(run: Run, text: str, written_by: str | None, caller: Caller | None) -> Json:
    for switch in caller.switches if caller else ():
        run.degrade(
            "synthesizer_switched", f"The writer {switch.model} gave way ({switch.reason})."
        )
    return {
        "draft": text,
        "written_by": written_by,
        "bill": [call.model_dump(mode="json") for call in caller.calls] if caller else [],
        "degraded": list(run.degraded),
        "notes": list(run.notes),
    }
