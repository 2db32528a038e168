"""Update what is known of a run by one event: (RunView, event) → RunView, a pure function."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from langgraph_fusion.cli.display.model import Event, RunView, SeatView
from langgraph_fusion.graph.reasons import reason_text


def apply_event(view: RunView, event: Event, now: float) -> RunView:
    """Return the view after this event; an event of an unknown type changes nothing."""
    change = _CHANGES.get(str(event.get("type")))
    return change(view, event, now) if change else view


def _run_started(view: RunView, event: Event, now: float) -> RunView:
    seats = {one["seat"]: SeatView(one["seat"], one["model"]) for one in event["seats"]}
    for name in ("judge", "synthesizer"):
        if model := event.get(name):
            seats[name] = SeatView(name, _model_name(model))
    run_id, kept = str(event.get("run_id", "")), bool(event.get("kept"))
    preset = str(event.get("preset", ""))
    return replace(view, run_id=run_id, kept=kept, preset=preset, seats=seats)


def _model_name(seat: Any) -> str:
    return str(seat["model"]) if isinstance(seat, Mapping) else str(seat)


def _member_started(view: RunView, event: Event, now: float) -> RunView:
    note = " ".join(event.get("questions") or ())
    started = view.with_seat(
        event["seat"], model=event["model"], status="working", note=note, tools={}, since=now
    )
    return replace(started, round=max(view.round, event.get("round", 0)))


def _tool(view: RunView, event: Event, now: float) -> RunView:
    seat = view.seats[event["seat"]]
    text = f"{event['tool']} {event.get('input') or ''}".strip()
    running = {**seat.tools, event["call_id"]: text}
    return view.with_seat(seat.name, status="tool", tools=running, tool_calls=seat.tool_calls + 1)


def _tool_done(view: RunView, event: Event, now: float) -> RunView:
    seat = view.seats[event["seat"]]
    left = {key: text for key, text in seat.tools.items() if key != event["call_id"]}
    status = "working" if seat.status == "tool" and not left else seat.status
    return view.with_seat(seat.name, status=status, tools=left)


def _call(view: RunView, event: Event, now: float) -> RunView:
    call = {key: value for key, value in event.items() if key not in ("type", "replayed")}
    seat = view.seats.get(call["seat"]) or SeatView(call["seat"], call["model"])
    cost = call.get("cost_usd")
    billed = view.with_seat(
        seat.name,
        model=seat.model,
        calls=seat.calls + 1,
        input_tokens=_plus(seat.input_tokens, call.get("input_tokens")),
        output_tokens=_plus(seat.output_tokens, call.get("output_tokens")),
        known_cost=seat.known_cost + (cost or 0.0),
        cost_known=seat.cost_known and cost is not None,
        status="working" if seat.status == "retrying" else seat.status,
    )
    return replace(billed, calls=(*view.calls, call))


def _plus(sum_: int | None, more: int | None) -> int | None:
    return sum_ if more is None else (sum_ or 0) + more


def _progress(view: RunView, event: Event, now: float) -> RunView:
    seat = view.seats.get(event["seat"])
    if seat is None or seat.status == "tool":
        return view
    text = " ".join(str(event["text"]).split())
    return view.with_seat(seat.name, note=f"{event['chars']} characters … {text}")


def _retry(view: RunView, event: Event, now: float) -> RunView:
    note = f"{reason_text(event['reason'])}, again in {event.get('wait_s') or 0:.0f}s"
    return view.with_seat(event["seat"], status="retrying", note=note)


def _wait(view: RunView, event: Event, now: float) -> RunView:
    note = f"{reason_text(event['reason'])}, waits {event.get('wait_s') or 0:.0f}s"
    if event["reason"] == "local_server":
        note = "waits for the local server"
    return view.with_seat(event["seat"], status="retrying", note=note)


def _hedge(view: RunView, event: Event, now: float) -> RunView:
    return view.with_seat(event["seat"], note=f"slow to begin, asks {event['next']} as well")


def _images(view: RunView, event: Event, now: float) -> RunView:
    about = f"describes the images for the others ({event['images']})"
    changes = {"model": event["model"], "status": "working", "note": about, "since": now}
    return view.with_seat("describer", **changes)


def _images_done(view: RunView, event: Event, now: float) -> RunView:
    reason = reason_text(event["reason"]) if event.get("reason") else ""
    return _stopped(view, "describer", now, status="failed" if reason else "done", note=reason)


def _without_images(view: RunView, event: Event, now: float) -> RunView:
    return view.with_seat(event["seat"], note="its model reads no images")


def _without_tools(view: RunView, event: Event, now: float) -> RunView:
    return view.with_seat(event["seat"], note="its model takes no tools")


def _compacted(view: RunView, event: Event, now: float) -> RunView:
    return view.with_seat(event["seat"], note="shortens what it read to fit the model")


def _loop(view: RunView, event: Event, now: float) -> RunView:
    return view.with_seat(event["seat"], note=f"repeats {event['tool']}")


def _switch(view: RunView, event: Event, now: float) -> RunView:
    note = f"instead of {event['model']}: {reason_text(event['reason'])}"
    return view.with_seat(event["seat"], model=event["next"], status="working", note=note)


def _member_finished(view: RunView, event: Event, now: float) -> RunView:
    answer = event["answer"]
    seat = view.seats[event["seat"]]
    status = "answered" if answer["status"] == "ok" else answer["status"]
    finished = view.with_seat(
        seat.name,
        model=answer.get("model") or seat.model,
        status=status,
        note=_why(answer.get("error")),
        tools={},
        spent_s=seat.seconds(now),
        since=None,
    )
    return replace(finished, answers=(*view.answers, answer))


def _why(error: Mapping[str, Any] | None) -> str:
    return reason_text(error["reason"], error.get("detail", "")) if error else ""


def _judge_started(view: RunView, event: Event, now: float) -> RunView:
    note = "compares again" if event.get("round") else "compares the answers"
    return view.with_seat("judge", model=event["model"], status="working", note=note, since=now)


def _judge_repair(view: RunView, event: Event, now: float) -> RunView:
    return view.with_seat("judge", note=f"asked to correct its reply ({event['attempt']})")


def _judge_finished(view: RunView, event: Event, now: float) -> RunView:
    analysis = event.get("analysis")
    reason = reason_text(event.get("reason") or "no_analysis")
    status, note = ("failed", reason) if analysis is None else ("done", "")
    done = _stopped(view, "judge", now, status=status, note=note)
    if analysis is None:
        return replace(done, judge_error=reason)
    return replace(done, analysis=analysis, judge_error="")


def _growth(view: RunView, event: Event, now: float) -> RunView:
    if event["added"]:
        return view
    seated = {*event["first"], "judge", "synthesizer"}
    for name in view.seats.keys() - seated:
        view = view.with_seat(name, status="not seated", note=_NOT_SEATED[event["reason"]])
    return view


def _follow_ups(view: RunView, event: Event, now: float) -> RunView:
    asked = tuple({**one, "round": event.get("round")} for one in event["follow_ups"])
    return replace(view, follow_ups=(*view.follow_ups, *asked))


def _writer_started(view: RunView, event: Event, now: float) -> RunView:
    writing = view.with_seat(
        "synthesizer", model=event["model"], status="working", note="writes", since=now
    )
    return replace(writing, draft="", writing=True)


def _writer_delta(view: RunView, event: Event, now: float) -> RunView:
    return replace(view, draft=view.draft + event["text"])


def _writer_revision(view: RunView, event: Event, now: float) -> RunView:
    return view.with_seat("synthesizer", note="revises what the draft lost")


def _writer_finished(view: RunView, event: Event, now: float) -> RunView:
    reason = reason_text(event["reason"]) if event.get("reason") else ""
    done = _stopped(view, "synthesizer", now, status="failed" if reason else "done", note=reason)
    return replace(done, writing=False)


def _verify_started(view: RunView, event: Event, now: float) -> RunView:
    about = "checks the citations"
    return view.with_seat("synthesizer", status="working", note=about, since=now)


def _verify_finished(view: RunView, event: Event, now: float) -> RunView:
    return _stopped(view, "synthesizer", now, status="done", note="")


def _stopped(view: RunView, name: str, now: float, **changes: Any) -> RunView:
    seat = view.seats.get(name) or SeatView(name, "")
    return view.with_seat(name, spent_s=seat.seconds(now), since=None, **changes)


def _run_finished(view: RunView, event: Event, now: float) -> RunView:
    return replace(view, result=event["result"], writing=False)


_NOT_SEATED = {"agreement": "not needed", "no_time_or_money": "no time or money left"}

_CHANGES: Mapping[str, Callable[[RunView, Event, float], RunView]] = {
    "run.started": _run_started,
    "member.started": _member_started,
    "member.tool": _tool,
    "member.tool_done": _tool_done,
    "model.call": _call,
    "model.progress": _progress,
    "model.retry": _retry,
    "model.wait": _wait,
    "model.hedge": _hedge,
    "images.started": _images,
    "images.finished": _images_done,
    "model.without_images": _without_images,
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
    "writer.revision": _writer_revision,
    "writer.finished": _writer_finished,
    "verify.started": _verify_started,
    "verify.finished": _verify_finished,
    "run.finished": _run_finished,
}
