"""How each kind of arm answers a task, out of the members' stored runs."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph_fusion.evals.arms.from_settings import solo_settings
from langgraph_fusion.evals.arms.spec import ArmSpec, MemberSpec, Place
from langgraph_fusion.evals.records import Answer, Task
from langgraph_fusion.evals.runs.answers import stages_of
from langgraph_fusion.evals.runs.context import EvalContext
from langgraph_fusion.evals.runs.deliberation import judged, written
from langgraph_fusion.evals.runs.letters import joined, reseated
from langgraph_fusion.evals.runs.member_run import MemberRun, member_run
from langgraph_fusion.graph.records import sum_costs
from langgraph_fusion.graph.seat import SEAT_LETTERS

Lanes = dict[str, dict[str, Any]]
SEPARATOR = "\n\n---\n\n"


@dataclass(frozen=True)
class Answering:
    """Answers tasks for any arm of an evaluation."""

    context: EvalContext
    members: Mapping[str, MemberSpec]
    tasks: Sequence[Task]
    """In order; a placebo is the next one's analysis."""

    async def answer(self, arm: ArmSpec, task: Task) -> Answer:
        """The arm's answer, whatever of it is stored already."""
        if arm.kind in ("solo", "judge_solo"):
            return (await self._member(arm, arm.panel[0], task)).answer
        if arm.kind == "concat":
            return await self._concatenated(arm, task)
        if arm.kind == "judge_picks":
            return await self._picked(arm, task)
        lanes = await self._lanes(arm, task)
        return await written(self.context, task, arm.settings, lanes, arm.prompts)

    async def _lanes(self, arm: ArmSpec, task: Task) -> Lanes:
        """What stands before the writer."""
        if arm.kind == "placebo":
            return await self._with_placebo(arm, task)
        if arm.kind == "no_follow_ups":
            whole = await self._judged(arm, task, with_rounds=True)
            return _first_round(whole)
        return await self._judged(arm, task)

    async def _judged(self, arm: ArmSpec, task: Task, *, with_rounds: bool = False) -> Lanes:
        """Judged; `with_rounds` as in the arm that this is a variant of."""
        members = joined(await self._updates(arm, task))
        settings = arm.settings
        if with_rounds:
            settings = settings.changed(max_rounds=max(1, settings.max_rounds))
        return await judged(self.context, task, settings, members, arm.prompts)

    async def _with_placebo(self, arm: ArmSpec, task: Task) -> Lanes:
        """The task's answers, and the first analysis of the next task's."""
        other = self.tasks[(self.tasks.index(task) + 1) % len(self.tasks)]
        mine, theirs = await asyncio.gather(self._updates(arm, task), self._judged(arm, other))
        analysis = _first_round(theirs).get("judge.0")
        members = joined(mine)
        return members if analysis is None else {**members, "judge.0": {**analysis, "bill": []}}

    async def _concatenated(self, arm: ArmSpec, task: Task) -> Answer:
        runs = await self._runs(arm, task)
        texts = [one.answer.text for one in runs if one.answer.usable]
        return _made_of(runs, SEPARATOR.join(texts), "concatenation")

    async def _picked(self, arm: ArmSpec, task: Task) -> Answer:
        """The answer that the judge calls the best, as it is; without a judgement the first."""
        runs = await self._runs(arm, task)
        lanes = await self._judged(arm, task)
        first = lanes.get("judge.0") or {}
        best = (first.get("analysis") or {}).get("best_answer") or ""
        usable = {SEAT_LETTERS[n]: one for n, one in enumerate(runs) if one.answer.usable}
        chosen = usable.get(best) or next(iter(usable.values()), runs[0])
        picked = _made_of(runs, chosen.answer.text, f"seat {best}", first.get("bill", ()))
        return picked.model_copy(
            update={"finish": chosen.answer.finish, "sources": chosen.answer.sources}
        )

    async def _updates(self, arm: ArmSpec, task: Task) -> Lanes:
        """By letter, what the members of the panel did."""
        runs = await self._runs(arm, task)
        return {
            letter: reseated(run.update, "A", letter)
            for letter, run in zip(SEAT_LETTERS, runs, strict=False)
            if run.update
        }

    async def _runs(self, arm: ArmSpec, task: Task) -> list[MemberRun]:
        return list(await asyncio.gather(*(self._member(arm, place, task) for place in arm.panel)))

    async def _member(self, arm: ArmSpec, place: Place, task: Task) -> MemberRun:
        settings = solo_settings(self.members[place.member].seat, arm.settings)
        return await member_run(self.context, task, settings, place.sample, arm.prompts)


def _first_round(lanes: Lanes) -> Lanes:
    """As if no follow-up had been allowed."""
    kept = {lane: update for lane, update in lanes.items() if lane.endswith(".0")}
    if "judge.0" in kept:
        ended = kept["judge.0"].get("ended") or "rounds_used"
        changes: dict[str, Any] = {"asked": [], "follow_ups": [], "round": 0, "ended": ended}
        kept["judge.0"] = {**kept["judge.0"], **changes}
    return kept


def _made_of(
    runs: Sequence[MemberRun], text: str, model: str, judge_bill: Sequence[Any] = ()
) -> Answer:
    """An answer out of members' texts, with what they and the judge cost."""
    calls = [call for run in runs for call in run.update.get("bill", ())] + list(judge_bill)
    seconds = [one.answer.seconds or 0.0 for one in runs]
    return Answer(
        text=text,
        finish="stop" if text.strip() else "failed",
        refused=not text.strip() and all(one.answer.refused for one in runs),
        error=None if text.strip() else "no member answered",
        model=model,
        cost_usd=sum_costs(call["cost_usd"] for call in calls).total_usd,
        seconds=round(max(seconds) + sum(call["seconds"] for call in judge_bill), 3),
        stages=stages_of(calls),
        tool_calls=sum(one.answer.tool_calls or 0 for one in runs),
    )
