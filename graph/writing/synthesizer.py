"""The synthesizer writes the one answer; if no writer can, the best member's answer is returned."""

from functools import partial

from langchain_core.messages import AnyMessage, BaseMessage, SystemMessage
from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.calls.budget import BudgetReached
from langgraph_fusion.graph.calls.seat_client import SeatClient, SeatFailed
from langgraph_fusion.graph.errors import WriterFailed
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.judging.evidence import WRITERS_LIMITS_IN_STEPS, latest
from langgraph_fusion.graph.judging.fitting import ShrinkablePrompt
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.records import MemberAnswer, Revision
from langgraph_fusion.graph.request.client_tools import handed_out
from langgraph_fusion.graph.request.conversation import after_question, question_at, replayed
from langgraph_fusion.graph.request.file_blocks import with_text, without_files
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.taken_up import run_of
from langgraph_fusion.graph.writing.revision import Reviser, coverage_of
from langgraph_fusion.graph.writing.writer import Writer, Written
from langgraph_fusion.graph.writing.writer_prompt import of_the_caller, writer_messages


async def synthesizer(state: FusionState, config: RunnableConfig) -> Json:
    """Write the draft in the mode of the settings."""
    run = await run_of(state, config)
    _end_steering(run)
    if run.settings.mode == "direct":
        return await _direct(run, state)
    best = _best(state)
    if run.settings.mode == "analysis":
        return _update(run, state, Written(""), None)
    if run.settings.mode == "select" and not _needs_writer(run, state, best):
        return _update(run, state, Written(best.text), f"seat {best.seat}")
    tell("sources", sources=[_without_text(source) for source in state["sources"].values()])
    client = run.seat_client(run.settings.synthesizer, "synthesizer", "synthesizer", state["round"])
    make = partial(writer_messages, run, state, best)
    fitting = ShrinkablePrompt(run, "synthesizer", make, WRITERS_LIMITS_IN_STEPS)
    writer = Writer(run, client, fitting.shrink_on_overflow, held=run.settings.revises)
    try:
        written = await writer.write(fitting.messages)
    except (SeatFailed, BudgetReached) as error:
        _degrade(run, error, best)
        return _update(run, state, Written(best.text), f"seat {best.seat}", client)
    written_by, revision = str(client.model), None
    if run.settings.revises:
        reviser = Reviser(run, client, coverage_of(state))
        text, revision = await reviser.revise(fitting.messages, written.text)
        written = Written(text)
        written_by = str(client.model) if revision.kept == "revision" else written_by
    writer.release(written.text)
    return _update(run, state, written, written_by, client, revision)


def _end_steering(run: Run) -> None:
    """The panel has finished: what comes now is too late for it."""
    run.steering.close("the answer is being written already")
    for question in run.steering.unasked:
        run.degrade("question_not_asked", f"There was no further round to ask: {question}")


async def _direct(run: Run, state: FusionState) -> Json:
    """The answer of the writer alone; raises WriterFailed when there is none."""
    client = run.seat_client(run.settings.synthesizer, "synthesizer", "synthesizer", 0)
    try:
        writer = Writer(run, client)
        written = await writer.write(_turns(run, replayed(_with_files(run, state))))
    except SeatFailed as failed:
        raise _failed(client, failed.fault.reason, failed.fault.detail) from failed
    except BudgetReached as reached:
        raise _failed(client, "budget", str(reached)) from reached
    writer.release(written.text)
    return _update(run, state, written, str(client.model), client)


def _with_files(run: Run, state: FusionState) -> list[AnyMessage]:
    """The conversation with the texts of its files behind the question."""
    messages = [without_files(message) for message in state["messages"]]
    at = question_at(messages)
    if run.files and at is not None:
        parts = [run.files.listing, run.files_inlined_plainly(state["question"])]
        text = "\n\n".join(part for part in parts if part)
        messages[at] = with_text(messages[at], f"{prompt('files')}\n\n{text}")
    return messages


def _turns(run: Run, messages: list[AnyMessage]) -> list[BaseMessage]:
    """The conversation as it is, after what is asked of its last turn."""
    asked = of_the_caller(run.settings, direct=True)
    return [SystemMessage(asked), *messages] if asked else [*messages]


def _failed(client: SeatClient, reason: str, detail: str) -> WriterFailed:
    tell("writer.finished", model="", reason=reason)
    return WriterFailed(str(client.model), reason, detail)


def _without_text(source: Json) -> Json:
    """A source without its text: what it takes to resolve a citation."""
    return {name: value for name, value in source.items() if name != "text"}


def _best(state: FusionState) -> MemberAnswer:
    """The judge's choice, else the whole answer with most citations."""
    answers = {seat: one for seat, one in latest(state, 0).items() if one.text}
    chosen = (state["analysis"] or {}).get("best_answer")
    if chosen in answers:
        return answers[chosen]
    return max(answers.values(), key=lambda one: (one.status == "ok", len(one.cited), one.seat))


def _needs_writer(run: Run, state: FusionState, best: MemberAnswer) -> bool:
    """Whether the best answer cannot stay as it is: corrected, in a form, or with tools at hand."""
    if run.settings.client_tools or run.settings.response_format:
        return True
    if not state["analysis"]:
        return False
    analysis = Analysis(**state["analysis"])
    suspect = any(best.seat in one.seats for one in analysis.suspect_claims)
    disputed = any(best.seat == s.seat for one in analysis.contradictions for s in one.stances)
    return suspect or disputed or bool(state["round"])


def _degrade(run: Run, error: Exception, best: MemberAnswer) -> None:
    if isinstance(error, SeatFailed):
        code = f"synthesizer_{error.fault.reason}"
        why = reason_text(error.fault.reason, error.fault.detail)
    else:
        code, why = "synthesizer_budget", str(error)
        run.degrade("budget", "The spend cap was reached before the writer.")
    tell("writer.finished", model="", reason=code)
    if run.settings.response_format:
        run.degrade("response_format", "The answer is a member's, not in the form asked for.")
    run.degrade(code, f"No writer could answer ({why}); this is the answer of seat {best.seat}.")


def _update(
    run: Run,
    state: FusionState,
    written: Written,
    written_by: str | None,
    client: SeatClient | None = None,
    revision: Revision | None = None,
) -> Json:
    for switch in client.switches if client else ():
        run.degrade(
            "synthesizer_switched",
            f"The writer {switch.model} gave way: {reason_text(switch.reason)}.",
        )
    after = after_question(state["messages"])
    update = {
        "draft": written.text,
        "tool_calls": handed_out(written.tool_calls, run.id, after),
        "written_by": written_by,
        "revision": revision.model_dump(mode="json") if revision else None,
        "bill": [call.model_dump(mode="json") for call in client.bill.calls] if client else [],
        "degraded": list(run.degraded),
        "notes": list(run.notes),
    }
    return run.with_images("synthesizer", update)[0]
