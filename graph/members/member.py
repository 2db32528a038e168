"""One member's turn: research, then answer. What goes wrong becomes part of the record."""

import asyncio
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any, Protocol

from langchain_core.messages import AnyMessage, BaseMessage, SystemMessage
from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.calls.budget import BudgetReached
from langgraph_fusion.graph.calls.quorum import Quorum
from langgraph_fusion.graph.calls.seat_client import LOCAL_SERVER, SeatFailed
from langgraph_fusion.graph.errors import ConfigError, RunTakenOver
from langgraph_fusion.graph.events import replay_calls, tell
from langgraph_fusion.graph.journal.tool_calls import ToolRecorder
from langgraph_fusion.graph.members.member_agent import Agent, transcripts
from langgraph_fusion.graph.members.member_answer import read_answer, reasoning_in
from langgraph_fusion.graph.members.member_context import MemberContext
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.prompts.passages import cited_passages, claims_on, source_block
from langgraph_fusion.graph.prompts.shown import ShownPassages
from langgraph_fusion.graph.prompts.tags import blocks as enclosed
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.records import AskedFollowUp, Failure, MemberAnswer, Stage
from langgraph_fusion.graph.request.conversation import (
    before_answering,
    in_plain_turns,
    instructions,
    question_at,
)
from langgraph_fusion.graph.request.document_copies import DIRECTORY
from langgraph_fusion.graph.request.file_blocks import with_text, without_files
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.taken_up import run_of
from langgraph_fusion.graph.wording import listed
from langgraph_fusion.models.faults import REASONS, fault_of
from langgraph_fusion.models.loop_share import off_loop
from langgraph_fusion.tools import own_tools
from langgraph_fusion.tools.closeness import closest_first
from langgraph_fusion.tools.mcp.offered import NOT_SEATED, Seated
from langgraph_fusion.tools.shown_lines import ShownLines
from langgraph_fusion.tools.sources import Source

STEERED = frozenset({"answer_now", "stopped"})
"""Reasons to write that come from the user."""
_SLOW = 8
"""A character of an answer takes so many times as long to read as to write it as JSON."""
_CITED_CHARS = 8000
"""Of what an earlier answer cites, shown again with a follow-up question."""


class Node(Protocol):
    def __call__(self, state: FusionState, config: RunnableConfig) -> Awaitable[Json]: ...


def member(letter: str, agent: Agent) -> Node:
    """Make the node of a seat. The agent is a closure variable, so that Studio draws it inside."""

    async def member_node(state: FusionState, config: RunnableConfig) -> Json:
        run = await run_of(state, config)
        asked = [AskedFollowUp(**one) for one in state["asked"] if letter in one["seats"]]
        seats = {seat for one in state["asked"] for seat in one["seats"]}
        working = seats or state["seating"]
        quorum = run.quorum(state["round"], working)
        turns = run.turns(state["round"], working)
        lane = f"{letter}.{state['round']}"
        if (update := run.replay_update(lane)) is not None:
            turns.done(letter)
            return _replay_events(update, asked, quorum)
        if ahead := turns.ahead(letter):
            _tell_waiting(run, letter, ahead)
        async with turns.turn(letter) as parts:
            stage: Stage = "follow_up" if state["round"] else "panel"
            left_s = run.limits.left(stage, state["round"])
            served = await run.seated_tools(letter, left_s / parts / 2)
            context = _member_context(run, letter, state, served, parts)
            try:
                return await _work(agent, run, letter, state, context, asked, quorum)
            finally:
                context.client.remembers = None  # or its texts stay until cycles are looked for

    return member_node


async def _work(
    agent: Agent,
    run: Run,
    letter: str,
    state: FusionState,
    context: MemberContext,
    asked: list[AskedFollowUp],
    quorum: Quorum,
) -> Json:
    """Research and answer."""
    model, shell = str(context.client.model), context.sandbox is not None
    _tell_started(letter, model, context.round, asked, sandbox=shell)
    began, drops = time.monotonic(), len(run.shared_tools.drops)
    task = _task(run, letter, state, asked)
    context.shown.read("\n".join(str(one.text) for one in task))
    transcript, failure = await _research(agent, context, task, run, quorum)
    run.note_lost_servers(letter)
    if context.cut_short == "budget":
        run.degrade("budget", "The spend cap cut the panel's research short.")
    said = transcript[len(task) :]
    size = sum(len(one.text) for one in said)
    answer = await off_loop(_SLOW * size, read_answer, context, said, failure, asked)
    _note_losses(run, answer)
    answer = answer.model_copy(update={"seconds": round(time.monotonic() - began, 3)})
    if thought := reasoning_in(said):
        tell("member.reasoning", seat=letter, round=context.round, text=thought)
    _finish(answer, quorum)
    lane, update = f"{letter}.{context.round}", _update(run, context, answer, drops)
    return run.record_update(lane, update, context.client.bill)


def _tell_waiting(run: Run, letter: str, ahead: int) -> None:
    model = str(run.settings.seat(letter).models[0])
    facts = {"seat": letter, "model": model, "reason": LOCAL_SERVER}
    tell("model.wait", **facts, wait_s=None, ahead=ahead)


def _note_losses(run: Run, answer: MemberAnswer) -> None:
    """What this member's models could not take, for the reader."""
    who = f"Seat {answer.seat}"
    if answer.shortened:
        run.degrade(
            "context_compacted",
            f"{who}: {answer.shortened} tool results were shortened to fit the model's context.",
        )
    if answer.without_tools:
        run.degrade("tools_unsupported", f"{who}: {answer.model} takes no tools and had none.")
    if answer.status == "ok" and answer.cut_short in REASONS:
        run.degrade(
            "research_cut_short",
            f"{who} wrote from what it had found: {reason_text(answer.cut_short)}.",
        )


def _tell_started(
    seat: str, model: str, round: int, asked: list[AskedFollowUp], *, sandbox: bool
) -> None:
    questions = [one.question for one in asked]
    facts = {"seat": seat, "model": model, "round": round, "questions": questions}
    tell("member.started", **facts, sandbox=sandbox)


def _finish(answer: MemberAnswer, quorum: Quorum) -> None:
    if answer.error is None and answer.text:
        quorum.answered()
    dumped = answer.model_dump(mode="json")
    tell("member.finished", seat=answer.seat, round=answer.round, answer=dumped)


def _replay_events(update: Json, asked: list[AskedFollowUp], quorum: Quorum) -> Json:
    """Send the events of a member that had finished in an earlier process."""
    answer = MemberAnswer(**update["answers"][0])
    _tell_started(answer.seat, answer.model, answer.round, asked, sandbox=False)
    replay_calls(update["bill"])
    _finish(answer, quorum)
    return update


def first_prompt(run: Run, letter: str, state: FusionState) -> list[BaseMessage]:
    """What a member is sent in the first round, as far as it is known before the run."""
    seat = run.settings.seat(letter)
    tools = run.tools_of(letter) or run.extra_tools
    budget = run.settings.max_calls_of(seat) if tools else 0
    system = _system(run, state, letter, budget=budget)
    return [SystemMessage(system), *_task(run, letter, state, [])]


def _member_context(
    run: Run, letter: str, state: FusionState, served: Seated, parts: int = 1
) -> MemberContext:
    settings, seat, round = run.settings, run.settings.seat(letter), state["round"]
    asked = [one for one in state["asked"] if letter in one["seats"]]
    stage: Stage = "follow_up" if round else "panel"
    groups = run.tools_of(letter)
    sandbox = run.sandbox(letter) if "bash" in groups else None
    allowed = own_tools(groups) | run.extra_tools | {tool.name for tool in served.tools}
    if sandbox is None:
        allowed -= {"bash"}
    max_calls = settings.max_calls_of(seat) if allowed else 0
    lost_bash = "bash" in groups and sandbox is None
    topic = " ".join(one["question"] for one in asked) or state["question"]
    client = run.seat_client(seat, letter, stage, round)
    lane = f"{letter}.{round}"
    shown = ShownLines()
    return MemberContext(
        seat=letter,
        shared=run.shared_tools,
        narrow=bool(asked),
        shown=shown,
        sandbox=sandbox,
        topic=topic,
        files_text=partial(run.files_inlined, letter, topic) if run.searches(letter) else None,
        round=round,
        tools=ToolRecorder(run.journal, lane, letter, run.shared_tools, client.bill, shown),
        client=client,
        system=_system(run, state, letter, served, lost_bash=lost_bash, budget=max_calls),
        served={tool.name: tool for tool in served.tools},
        servers=run.servers,
        allowed=frozenset(allowed) if max_calls else frozenset(),
        max_tool_calls=max_calls,
        schedule=run.limits.schedule(stage, round, parts),
    )


def _system(
    run: Run,
    state: FusionState,
    letter: str,
    served: Seated = NOT_SEATED,
    *,
    lost_bash: bool = False,
    budget: int = 0,
) -> str:
    """The shared part first, byte for byte the same for every member: providers cache prefixes."""
    parts = [prompt("member", today=run.today), instructions(state["messages"])]
    if lost_bash:
        parts.append("There is no bash tool in this run: its sandbox could not be started.")
    elif run.pool is not None:
        parts.append(run.attachments.prompt_note)
        if run.has_documents(letter):
            parts.append(f"Read-only copies of the documents are in {DIRECTORY} for bash.")
    copied = "bash" in run.tools_of(letter) and run.pool is not None and not lost_bash
    parts.append(run.files.prompt_note(searched=run.searches(letter), copied=copied))
    if served.tools:
        parts.append(prompt("server_tools", servers=listed(served.servers)))
    if served.lost:
        parts.append(f"These tool servers are not available: {listed([*served.lost])}.")
    calls = f"{budget} tool calls" if budget > 1 else "one tool call"
    parts += [prompt("member_budget", calls=calls) if budget else ""]
    parts.append(run.settings.seat(letter).instructions)
    return "\n\n".join(part for part in parts if part)


def _task(
    run: Run, letter: str, state: FusionState, asked: list[AskedFollowUp]
) -> list[AnyMessage]:
    """The conversation; in a follow-up the question, the own answer and what is asked.

    A seat that cannot search the files that were sent with it gets their text.
    """
    if not asked:
        messages = [without_files(message) for message in state["messages"]]
        files = "" if run.searches(letter) else run.files_inlined(letter, state["question"])
        question = with_text(messages[question_at(messages) or 0], files)
        return [*in_plain_turns(before_answering(messages, run.id)), question]
    earlier = [one for one in state["answers"] if one["seat"] == letter and one["text"]]
    blocks = [tag("question", state["question"])]
    if state["conversation"]:
        blocks.insert(0, tag("conversation", state["conversation"]))
    blocks += [tag("your_earlier_answer", one["text"]) for one in earlier]
    blocks += [_sources_cited(state, MemberAnswer(**one), asked) for one in earlier]
    if not run.searches(letter):
        topic = " ".join(one.question for one in asked)
        blocks.append(run.files_inlined(letter, topic))
    blocks += [tag("follow_up", one.question, id=one.id) for one in asked]
    again = prompt("follow_up", blocks="\n\n".join(block for block in blocks if block))
    return [run.images.with_question(again, state["messages"])]


def _sources_cited(state: FusionState, one: MemberAnswer, asked: list[AskedFollowUp]) -> str:
    """What the sources that an earlier answer cites say about what it says and is now asked.

    What is closest to the questions comes first, as far as there is room; the rest is named.
    """
    known = state["sources"]
    cited = [Source(**known[id]) for id in one.cited if id in known and id in one.shown]
    claims = ["\n".join(claims_on(each, one.text)) for each in cited]
    close = closest_first(claims, " ".join(each.question for each in asked))
    others = [at for at in range(len(cited)) if at not in close]
    parts, named, room, seen = list[str](), list[str](), _CITED_CHARS, ShownPassages()
    for each in (cited[at] for at in [*close, *others]):
        passages = cited_passages(each, one.text)
        if len(source_block(each, passages)) > room:
            named.append(each.id)
            continue
        part = seen.block(each, passages)
        room -= len(part)
        parts.append(part)
    if named:
        parts.append(f"(You cited these as well, and can read them by id: {', '.join(named)}.)")
    return enclosed("sources_you_cited", "\n".join(parts)) if parts else ""


async def _research(
    agent: Agent, context: MemberContext, task: list[AnyMessage], run: Run, quorum: Quorum
) -> tuple[list[BaseMessage], Failure | None]:
    """Run the agent until it answers, fails, or its time or money is up: (transcript, failure)."""
    transcript: list[BaseMessage] = [*task]
    stage: Stage = "follow_up" if context.round else "panel"
    try:
        async with asyncio.timeout(run.limits.left(stage, context.round)) as limit:
            steered = run.steering.working(context.seat, context.schedule, limit)
            with quorum.working(context.schedule, limit), steered:
                async for said_so_far in transcripts(agent, context, task):
                    transcript = said_so_far
    except SeatFailed as failed:
        reason = "tool_loop" if context.loops and failed.fault.reason == "empty" else None
        return transcript, _failure(context, failed.fault, reason)
    except BudgetReached as reached:
        run.degrade("budget", "The spend cap was reached while the panel worked.")
        return transcript, _limit(context, "budget", str(reached))
    except TimeoutError as error:
        if not limit.expired():
            return transcript, _failure(context, fault_of(error))
        return transcript, _cut_off(context, run, quorum)
    except (ConfigError, RunTakenOver):
        raise  # the journal cannot be read, or is another's: nothing a member could go on from
    except Exception as error:  # noqa: BLE001 - one member's failure must not end the run
        return transcript, _failure(context, fault_of(error))
    return transcript, None


def _cut_off(context: MemberContext, run: Run, quorum: Quorum) -> Failure:
    if context.schedule.why in STEERED:
        return _limit(context, context.schedule.why, "cut off as the user asked")
    if quorum.reached:
        return _limit(context, "quorum", "cut off after enough others had answered")
    run.degrade("deadline", "The panel's share of the deadline was used up.")
    return _limit(context, "deadline", "cut off at the panel's share of the deadline")


def _failure(context: MemberContext, fault: Any, reason: str | None = None) -> Failure:
    model = str(context.client.model)
    return Failure(
        seat=context.seat,
        model=model,
        reason=reason or fault.reason,
        detail=fault.detail,
        status_code=fault.status_code,
        round=context.round,
    )


def _limit(context: MemberContext, reason: str, detail: str) -> Failure:
    model = str(context.client.model)
    return Failure(
        seat=context.seat, model=model, reason=reason, detail=detail, round=context.round
    )


def _update(run: Run, context: MemberContext, answer: MemberAnswer, drops: int) -> Json:
    mine = [source for source in run.shared_tools.sources.all() if source.seat == context.seat]
    dropped = [drop for drop in run.shared_tools.drops[drops:] if drop.seat == context.seat]
    return {
        "answers": [answer.model_dump(mode="json")],
        "sources": {source.id: source.model_dump(mode="json") for source in mine},
        "dropped": [drop.model_dump(mode="json") for drop in dropped],
        "bill": [call.model_dump(mode="json") for call in context.client.bill.calls],
        "degraded": list(run.degraded),
        "notes": list(run.notes),
    }
