"""Every event of a run makes the next board."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from langgraph_fusion.cli.display.model import Board, Event, Row


def after(board: Board, event: Event, now: float) -> Board:
    """Return the board once this event has happened; an unknown event changes nothing."""
    change = _CHANGES.get(str(event.get("type")))
    return change(board, event, now) if change else board


def _run_started(board: Board, event: Event, now: float) -> Board:
    rows = {one["seat"]: Row(one["seat"], one["model"]) for one in event["seats"]}
    for seat in ("judge", "synthesizer"):
        if model := event.get(seat):
            rows[seat] = Row(seat, _model_name(model))
    run_id, kept = str(event.get("run_id", "")), bool(event.get("kept"))
    preset = str(event.get("preset", ""))
    return replace(board, run_id=run_id, kept=kept, preset=preset, rows=rows)


def _model_name(seat: Any) -> str:
    return str(seat["model"]) if isinstance(seat, Mapping) else str(seat)


def _member_started(board: Board, event: Event, now: float) -> Board:
    note = " ".join(event.get("questions") or ())
    started = board.with_row(
        event["seat"], model=event["model"], doing="working", note=note, tools={}, since=now
    )
    return replace(started, round=max(board.round, event.get("round", 0)))


def _tool(board: Board, event: Event, now: float) -> Board:
    row = board.rows[event["seat"]]
    text = f"{event['tool']} {event.get('input') or ''}".strip()
    running = {**row.tools, event["call_id"]: text}
    return board.with_row(row.seat, doing="tool", tools=running, tool_calls=row.tool_calls + 1)


def _tool_done(board: Board, event: Event, now: float) -> Board:
    row = board.rows[event["seat"]]
    left = {key: text for key, text in row.tools.items() if key != event["call_id"]}
    doing = "working" if row.doing == "tool" and not left else row.doing
    return board.with_row(row.seat, doing=doing, tools=left)


def _call(board: Board, event: Event, now: float) -> Board:
    call = {key: value for key, value in event.items() if key not in ("type", "replayed")}
    row = board.rows.get(call["seat"]) or Row(call["seat"], call["model"])
    cost = call.get("cost_usd")
    billed = board.with_row(
        row.seat,
        model=row.model,
        calls=row.calls + 1,
        input_tokens=_plus(row.input_tokens, call.get("input_tokens")),
        output_tokens=_plus(row.output_tokens, call.get("output_tokens")),
        known_cost=row.known_cost + (cost or 0.0),
        cost_known=row.cost_known and cost is not None,
        doing="working" if row.doing == "retrying" else row.doing,
    )
    return replace(billed, calls=(*board.calls, call))


def _plus(sum_: int | None, more: int | None) -> int | None:
    return sum_ if more is None else (sum_ or 0) + more


def _retry(board: Board, event: Event, now: float) -> Board:
    note = f"{event['reason']}, again in {event.get('wait_s') or 0:.0f}s"
    return board.with_row(event["seat"], doing="retrying", note=note)


def _wait(board: Board, event: Event, now: float) -> Board:
    note = f"{event['reason']}, waits {event.get('wait_s') or 0:.0f}s"
    return board.with_row(event["seat"], doing="retrying", note=note)


def _hedge(board: Board, event: Event, now: float) -> Board:
    return board.with_row(event["seat"], note=f"slow to begin, asks {event['next']} as well")


def _without_tools(board: Board, event: Event, now: float) -> Board:
    return board.with_row(event["seat"], note="its model takes no tools")


def _compacted(board: Board, event: Event, now: float) -> Board:
    return board.with_row(event["seat"], note="shortens what it read to fit the model")


def _loop(board: Board, event: Event, now: float) -> Board:
    return board.with_row(event["seat"], note=f"repeats {event['tool']}")


def _switch(board: Board, event: Event, now: float) -> Board:
    note = f"instead of {event['model']}: {event['reason']}"
    return board.with_row(event["seat"], model=event["next"], doing="working", note=note)


def _member_finished(board: Board, event: Event, now: float) -> Board:
    answer = event["answer"]
    row = board.rows[event["seat"]]
    doing = "answered" if answer["status"] == "ok" else answer["status"]
    finished = board.with_row(
        row.seat,
        model=answer.get("model") or row.model,
        doing=doing,
        note=(answer.get("error") or {}).get("reason", ""),
        tools={},
        spent_s=row.seconds(now),
        since=None,
    )
    return replace(finished, answers=(*board.answers, answer))


def _judge_started(board: Board, event: Event, now: float) -> Board:
    note = "compares again" if event.get("round") else "compares the answers"
    return board.with_row("judge", model=event["model"], doing="working", note=note, since=now)


def _judge_repair(board: Board, event: Event, now: float) -> Board:
    return board.with_row("judge", note=f"asked to correct its reply ({event['attempt']})")


def _judge_finished(board: Board, event: Event, now: float) -> Board:
    analysis, reason = event.get("analysis"), event.get("reason") or ""
    doing, note = ("failed", reason) if analysis is None else ("done", "")
    done = _stopped(board, "judge", now, doing=doing, note=note)
    if analysis is None:
        return replace(done, judge_failed=reason or "no analysis")
    return replace(done, analysis=analysis, judge_failed="")


def _growth(board: Board, event: Event, now: float) -> Board:
    if event["added"]:
        return board
    seated = {*event["first"], "judge", "synthesizer"}
    for seat in board.rows.keys() - seated:
        board = board.with_row(seat, doing="not seated", note=_NOT_SEATED[event["reason"]])
    return board


def _follow_ups(board: Board, event: Event, now: float) -> Board:
    asked = tuple({**one, "round": event.get("round")} for one in event["follow_ups"])
    return replace(board, follow_ups=(*board.follow_ups, *asked))


def _writer_started(board: Board, event: Event, now: float) -> Board:
    writing = board.with_row(
        "synthesizer", model=event["model"], doing="working", note="writes", since=now
    )
    return replace(writing, page="", writing=True)


def _writer_delta(board: Board, event: Event, now: float) -> Board:
    return replace(board, page=board.page + event["text"])


def _writer_finished(board: Board, event: Event, now: float) -> Board:
    reason = event.get("reason") or ""
    done = _stopped(board, "synthesizer", now, doing="failed" if reason else "done", note=reason)
    return replace(done, writing=False)


def _stopped(board: Board, seat: str, now: float, **changes: Any) -> Board:
    row = board.rows.get(seat) or Row(seat, "")
    return board.with_row(seat, spent_s=row.seconds(now), since=None, **changes)


def _run_finished(board: Board, event: Event, now: float) -> Board:
    return replace(board, result=event["result"], writing=False)


_NOT_SEATED = {"agreement": "not needed", "no_time_or_money": "no time or money left"}

_CHANGES: Mapping[str, Callable[[Board, Event, float], Board]] = {
    "run.started": _run_started,
    "member.started": _member_started,
    "member.tool": _tool,
    "member.tool_done": _tool_done,
    "model.call": _call,
    "model.retry": _retry,
    "model.wait": _wait,
    "model.hedge": _hedge,
    "model.without_tools": _without_tools,
    "context.compacted": _compacted,
    "member.loop": _loop,
    "model.switch": _switch,
    "member.finished": _member_finished,
    "judge.started": _judge_started,
    "judge.repair": _judge_repair,
    "judge.finished": _judge_finished,
    "panel.growth": _growth,
    "follow_ups": _follow_ups,
    "writer.started": _writer_started,
    "writer.delta": _writer_delta,
    "writer.finished": _writer_finished,
    "run.finished": _run_finished,
}
