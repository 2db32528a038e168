"""The judge compares the answers; code keeps what it forgets and chooses the follow-ups."""

import random
from functools import partial
from typing import Any

from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.calls.budget import BudgetReached
from langgraph_fusion.graph.calls.seat_client import SeatClient, SeatFailed
from langgraph_fusion.graph.errors import AllMembersFailed
from langgraph_fusion.graph.events import replay_calls, tell
from langgraph_fusion.graph.judging.evidence import (
    EvidenceLimits,
    answer_blocks,
    follow_up_blocks,
    latest,
    seat_records,
    sources_shown,
)
from langgraph_fusion.graph.judging.follow_ups import carried_forward, plan_round
from langgraph_fusion.graph.judging.grounds import contest_groundless
from langgraph_fusion.graph.judging.judge_call import JudgeTalk, Shape, schema_in_words
from langgraph_fusion.graph.judging.judge_reply import (
    UnusableReply,
    read_analysis,
)
from langgraph_fusion.graph.judging.judge_schema import Known
from langgraph_fusion.graph.judging.panel_growth import growth_after, too_few
from langgraph_fusion.graph.judging.told import analysis_told
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.records import AskedFollowUp, Ended, Failure, PanelGrowth
from langgraph_fusion.graph.request.conversation import instructions
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.graph.taken_up import run_of
from langgraph_fusion.models.loop_share import off_loop

_SLOW = 8
"""A character of an analysis takes so many times as long to read as to write it as JSON."""
REPAIRS = 2
"""How often one judge is asked again, with the exact errors, before the next one takes over."""


class _JudgeFailed(Exception):
    """No judge managed an analysis; `reason` is one of OpenRouter's `judge_…` codes."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


async def judge(state: FusionState, config: RunnableConfig) -> Json:
    """Analyse the round, and choose the follow-ups that `after_judge` sends out."""
    run, round = await run_of(state, config), state["round"]
    if round == 0:
        if (growth := too_few(run, state)) and not run.steering.answering_now:
            return _seat_added(run, growth)
        _need_answers(run, state)
    if (seat := run.settings.judge) is None:
        return _without_analysis(run)
    lane = run.journal.next_lane(f"judge.{round}")
    if (update := run.replay_update(lane)) is not None:
        run.journal.open_lane(f"judge.{round}")
        return _replay_events(seat, round, update)
    client = run.seat_client(seat, "judge", "judge", round)
    tell("judge.started", round=round, model=str(client.model))
    before = Analysis(**state["analysis"]) if state["analysis"] else None
    reason = None
    try:
        analysis = await _analyse(client, run, state)
    except (_JudgeFailed, BudgetReached) as error:
        analysis, reason = None, _degraded(run, error)
    if before is not None:
        analysis = carried_forward(before, analysis, state)
    found = analysis.model_dump(mode="json") if analysis else None
    tell("judge.finished", round=round, analysis=found, reason=reason)
    growth = growth_after(run, state, None if reason else analysis)
    if growth is not None and growth.added and not run.steering.answering_now:
        update = _update(run, state, client, found, [], None) | _seat_added(run, growth)
        return run.record_update(lane, update, client.bill)
    asked, ended = _next_questions(run, state, before if round else None, analysis, reason)
    update = _update(run, state, client, found, asked, ended)
    update |= {"growth": _report_growth(growth)} if growth else {}
    return run.record_update(lane, update, client.bill)


def _replay_events(seat: ModelSeat, round: int, update: Json) -> Json:
    """Send the judge's events of an earlier process again."""
    model = update["judged_by"] or str(seat.models[0])
    tell("judge.started", round=round, model=model)
    replay_calls(update["bill"])
    reason = None if update["analysis"] else "judge_upstream_error"
    tell("judge.finished", round=round, analysis=update["analysis"], reason=reason)
    if update.get("growth"):
        tell("panel.growth", **update["growth"])
    if update["asked"]:
        tell("follow_ups", round=round + 1, follow_ups=update["asked"])
    if update.get("ended"):
        tell("rounds.ended", round=round, reason=update["ended"])
    return update


def _without_analysis(run: Run) -> Json:
    """Continue without an analysis: the writer reads the answers alone."""
    tell("rounds.ended", round=0, reason="no_judge")
    return {
        "analysis": None,
        "judged_by": None,
        "ended": "no_judge",
        "seating": [],
        "asked": [],
        "degraded": list(run.degraded),
        "notes": list(run.notes),
    }


def _seat_added(run: Run, growth: PanelGrowth) -> Json:
    """Seat the members that have been waiting."""
    return {
        "seating": list(growth.added),
        "growth": _report_growth(growth),
        "degraded": list(run.degraded),
        "notes": list(run.notes),
    }


def _report_growth(growth: PanelGrowth) -> Json:
    known = growth.model_dump(mode="json")
    tell("panel.growth", **known)
    return known


def _need_answers(run: Run, state: FusionState) -> None:
    answers = latest(state, round=0).values()
    answered = sum(bool(one.text) for one in answers)
    if answered < run.settings.min_answers:
        failed = [Failure(**one["error"]) for one in state["answers"] if one["error"]]
        raise AllMembersFailed(failed, run.settings.min_answers, answered)


async def _analyse(client: SeatClient, run: Run, state: FusionState) -> Analysis:
    """Ask the judge, repairing its reply; then the fallback judges. Raises _JudgeFailed."""
    answered = frozenset(one.seat for one in latest(state, 0).values() if one.text)
    known = Known(answered, frozenset(state["sources"]))
    shown = Known(answered, sources_shown(state))
    while True:
        talk = JudgeTalk(run, client, partial(_prompt, run, state), shown)
        try:
            analysis = await _with_repairs(client, talk, known)
            return analysis if state["round"] else contest_groundless(analysis, known)
        except UnusableReply as unusable:
            if not client.give_up(unusable.fault):
                raise _JudgeFailed(unusable.code, str(unusable)) from unusable
        except SeatFailed as failed:
            raise _JudgeFailed(_code(failed), failed.fault.detail) from failed


async def _with_repairs(client: SeatClient, talk: JudgeTalk, known: Known) -> Analysis:
    """What is wrong with a reply is said once; a model that fails twice is asked for less."""
    for attempt in range(REPAIRS + 1):
        reply = await client.reply(talk.messages, talk.send, talk.asked_for, talk.mend)
        try:
            return await off_loop(_SLOW * len(reply.text), read_analysis, reply, known)
        except UnusableReply as unusable:
            if attempt == REPAIRS:
                raise
            tell("judge.repair", errors=unusable.errors, attempt=attempt + 1)
            if attempt == 0 or not talk.simplify():
                talk.correct(reply, unusable.errors)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _prompt(
    run: Run, state: FusionState, limits: EvidenceLimits, shape: Shape
) -> list[BaseMessage]:
    schema = schema_in_words(brief=shape.brief) if shape.in_words else ""
    most = str(run.settings.max_follow_ups)
    if shape.brief:
        system = prompt("judge_brief", schema=schema)
    else:
        system = prompt("judge", max_follow_ups=most, today=run.today, schema=schema)
    parts = [tag("question", state["question"])]
    if run.files:
        parts.append(run.files.listing)
    if text := instructions(state["messages"]):
        parts.append(tag("instructions", text))
    if state["conversation"]:
        parts.append(tag("conversation", state["conversation"]))
    parts.append(seat_records(run, state))
    parts += _later_round(state, limits) if state["round"] else _first_round(run, state, limits)
    asked = run.images.with_question("\n\n".join(parts), state["messages"])
    return [SystemMessage(system), asked]


def _first_round(run: Run, state: FusionState, limits: EvidenceLimits) -> list[str]:
    """Every answer; once the panel has grown, also what was found before."""
    parts = [answer_blocks(state, _shuffled(run, state), limits)]
    if state["analysis"]:
        parts += [_earlier(Analysis(**state["analysis"]), state), prompt("judge_grown")]
    return parts


def _later_round(state: FusionState, limits: EvidenceLimits) -> list[str]:
    """What a further judging has to go by: the analysis so far, and this round's answers."""
    earlier = Analysis(**(state["analysis"] or {}))
    still_open = ", ".join(sorted(earlier.open_ids())) or "nothing"
    asked = ", ".join(one["id"] for one in state["follow_ups"])
    again = prompt("judge_again", open=still_open, asked=asked)
    return [_earlier(earlier, state), follow_up_blocks(state, limits, state["round"]), again]


def _earlier(analysis: Analysis, state: FusionState) -> str:
    asked = {one["id"] for one in state["follow_ups"] if one["round"] == state["round"]}
    return tag("earlier_analysis", analysis_told(analysis, asked))


def _shuffled(run: Run, state: FusionState) -> list[str]:
    """A fair order of the seats, the same in every round: providers cache what stays in front."""
    letters = list(run.settings.letters)
    random.Random(f"{run.settings.seed}/{state['question']}").shuffle(letters)
    return letters


def _next_questions(
    run: Run, state: FusionState, before: Analysis | None, analysis: Analysis | None, failed: Any
) -> tuple[list[AskedFollowUp], Ended | None]:
    """The follow-ups of the next round; without any, why there is none."""
    round = state["round"] + 1
    if run.steering.answering_now:
        return [], "answer_now"
    if analysis is None or failed:
        return [], "not_compared"
    answered = [seat for seat, one in latest(state, 0).items() if one.text]
    if mine := run.steering.take_questions(round, answered):
        also, _ = _judges_questions(run, state, before, analysis)
        return [*mine, *also], None
    return _judges_questions(run, state, before, analysis)


def _judges_questions(
    run: Run, state: FusionState, before: Analysis | None, analysis: Analysis
) -> tuple[list[AskedFollowUp], Ended | None]:
    round = state["round"] + 1
    if not analysis.open_ids():
        return [], "nothing_open"
    if round > run.settings.max_rounds:
        return [], "rounds_used"
    asked = plan_round(analysis, before, state, run.settings.max_follow_ups)
    if not asked:
        return [], "nothing_to_ask"
    if not run.limits.allows("follow_up", round):
        run.degrade("no_follow_ups", "Open points were not followed up: no time or money was left.")
        return [], "no_time_or_money"
    return asked, None


def _update(
    run: Run,
    state: FusionState,
    client: SeatClient,
    found: Json | None,
    asked: list[AskedFollowUp],
    ended: Ended | None,
) -> Json:
    questions = [one.model_dump(mode="json") for one in asked]
    if questions:
        tell("follow_ups", round=state["round"] + 1, follow_ups=questions)
    if ended:
        tell("rounds.ended", round=state["round"], reason=ended)
    for switch in client.switches:
        run.degrade(
            "judge_switched", f"The judge {switch.model} gave way: {reason_text(switch.reason)}."
        )
    return {
        "analysis": found,
        "judged_by": str(client.model) if found else state["judged_by"],
        "ended": ended,
        "seating": [],
        "round": state["round"] + bool(questions),
        "asked": questions,
        "follow_ups": questions,
        "bill": [call.model_dump(mode="json") for call in client.bill.calls],
        "degraded": list(run.degraded),
        "notes": list(run.notes),
    }


def _degraded(run: Run, error: Exception) -> str:
    if isinstance(error, BudgetReached):
        run.degrade("budget", "The spend cap was reached before the judge.")
    reason = error.reason if isinstance(error, _JudgeFailed) else "judge_budget"
    run.degrade(reason, f"The answers were not compared: {reason_text(reason)}.")
    return reason


def _code(failed: SeatFailed) -> str:
    codes = {"empty": "judge_empty_completion", "timeout": "judge_timeout"}
    return codes.get(failed.fault.reason, "judge_upstream_error")
