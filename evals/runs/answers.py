"""From the last state of a run to the answer that is graded, and to its trace."""

from collections.abc import Iterable
from typing import Any

from langgraph_fusion.evals.records import Answer, Finish, SourceRef, StageUse, Trace
from langgraph_fusion.evals.runs.graph_run import GraphRun
from langgraph_fusion.graph.records import sum_costs

Json = dict[str, Any]
REFUSALS = frozenset({"refused", "content_filter"})


def answer_in(run: GraphRun, trace: str | None) -> Answer:
    """The answer of a finished run; of one that failed, why."""
    if run.failed is not None:
        return failed_answer(run)
    result = run.result
    sources = tuple(
        SourceRef(
            id=one["id"], url=one["url"], title=one["title"], number=one["number"], seat=one["seat"]
        )
        for one in result["sources"]
    )
    return Answer(
        text=result["answer"],
        finish=_finish(result),
        model=result["written_by"],
        sources=sources,
        cost_usd=result["bill"]["total"]["cost_usd"],
        seconds=_seconds(result),
        stages=stages_of(result["bill"]["calls"]),
        tool_calls=sum(one["tool_calls"] for one in result["answers"]),
        claim_retention=result["retention"]["claims"],
        citation_retention=result["retention"]["citations"],
        degraded=tuple(result["degraded"]),
        trace=trace,
    )


def failed_answer(run: GraphRun) -> Answer:
    """A run without an answer: refused if every member refused."""
    answers = run.state.get("answers", [])
    refused = bool(answers) and all(map(_refused, answers))
    calls = run.state.get("bill", [])
    return Answer(
        text="",
        finish="failed",
        refused=refused,
        error=run.failed,
        cost_usd=sum_costs(call["cost_usd"] for call in calls).total_usd,
        stages=stages_of(calls),
        tool_calls=sum(one["tool_calls"] for one in answers),
    )


def _refused(answer: Json) -> bool:
    """A member that said so, or that ended with nothing and without having looked for anything."""
    reason = (answer["error"] or {}).get("reason")
    return reason in REFUSALS or (reason == "empty" and not answer["tool_calls"])


def trace_of(run: GraphRun) -> Trace:
    """Everything between question and answer."""
    state = run.state
    return Trace(
        answers=tuple(state["answers"]),
        analysis=state["analysis"],
        follow_ups=tuple(state["follow_ups"]),
        sources=state["sources"],
        dropped=tuple(state["dropped"]),
        judge_prompt=run.prompts.get("judge"),
        writer_prompt=run.prompts.get("synthesizer"),
        draft=state["draft"],
    )


def stages_of(calls: Iterable[Json]) -> tuple[StageUse, ...]:
    """What the calls of each stage took together."""
    made = list(calls)
    stages = dict.fromkeys(call["stage"] for call in made)
    return tuple(_stage(name, [one for one in made if one["stage"] == name]) for name in stages)


def _stage(name: str, calls: list[Json]) -> StageUse:
    return StageUse(
        stage=name,
        calls=len(calls),
        failed_calls=sum(call["error"] is not None for call in calls),
        input_tokens=_tokens(calls, "input_tokens"),
        output_tokens=_tokens(calls, "output_tokens"),
        cost_usd=sum_costs(call["cost_usd"] for call in calls).total_usd,
        seconds=round(sum(call["seconds"] for call in calls), 3),
    )


def _tokens(calls: list[Json], name: str) -> int | None:
    known = [call[name] for call in calls if call[name] is not None]
    return sum(known) if known else None


def _finish(result: Json) -> Finish:
    """A member's own answer is cut off if the member was."""
    if not result["answer"].strip():
        return "failed"
    written_by = result["written_by"] or ""
    by = [one for one in result["answers"] if f"seat {one['seat']}" == written_by]
    cut_off = "synthesizer_truncated" in result["degraded"] or any(one["truncated"] for one in by)
    return "length" if cut_off else "stop"


def _seconds(result: Json) -> float:
    """As if nothing had been shared: the slowest member of each round, then judge and writer."""
    rounds: dict[int, float] = {}
    for one in result["answers"]:
        rounds[one["round"]] = max(rounds.get(one["round"], 0.0), one["seconds"])
    calls = result["bill"]["calls"]
    rest = sum(float(call["seconds"]) for call in calls if len(call["seat"]) > 1)
    return round(sum(rounds.values()) + rest, 3)
