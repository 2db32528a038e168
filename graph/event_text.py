"""Events of a run as sentences, for a log, a pipe, or a client that shows progress as text.

They hold text of models and tools: whoever prints them makes them printable first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.wording import count, duration, listed, money, tokens

Event = Mapping[str, Any]
"""One event of `graph.events`."""

_NAMES = {"judge": "judge", "synthesizer": "writer"}


def event_lines(event: Event, *, verbose: bool = False) -> Iterator[str]:
    """Yield the lines about an event: one for most, none for some.

    Finished tool calls, model calls and the codes of failures are included only when `verbose`.
    """
    kind = str(event.get("type"))
    for lines in (_LINES.get(kind), _VERBOSE.get(kind) if verbose else None):
        if lines:
            yield from lines(event)


def analysis_summary(
    analysis: Mapping[str, Any], follow_ups: Sequence[Mapping[str, Any]] = ()
) -> str:
    """`2 agreements, 1 conflict (resolved), 1 gap, 1 suspect claim; 2 follow-ups sent`."""
    conflicts = analysis.get("contradictions", ())
    parts = [
        count(len(analysis.get("consensus", ())), "agreement"),
        count(len(conflicts), "conflict") + _statuses(conflicts),
        count(len(analysis.get("blind_spots", ())), "gap"),
    ]
    if suspects := analysis.get("suspect_claims", ()):
        parts.append(count(len(suspects), "suspect claim"))
    sent = f"; {count(len(follow_ups), 'follow-up')} sent" if follow_ups else ""
    return ", ".join(parts) + sent


def verdict_summary(counts: Mapping[str, Any]) -> str:
    """`12 supported, 2 partly, 1 not found`; `none` if there are no citations."""
    names = ("supported", "partly", "not_found", "unchecked")
    said = [f"{counts[name]} {name.replace('_', ' ')}" for name in names if counts.get(name)]
    return ", ".join(said) or "none"


def _statuses(conflicts: Sequence[Mapping[str, Any]]) -> str:
    statuses = [one["status"] for one in conflicts]
    named = [name for name in ("open", "resolved", "contested") if name in statuses]
    if len(conflicts) == 1:
        return f" ({named[0]})"
    shown = ", ".join(f"{statuses.count(name)} {name}" for name in named)
    return f" ({shown})" if shown else ""


def _seat(event: Event) -> str:
    return _NAMES.get(event["seat"], str(event["seat"]))


def _run_started(event: Event) -> Iterator[str]:
    seats = ", ".join(f"{one['seat']} {one['model']}" for one in event["seats"])
    alone = f"no panel: {event['synthesizer']} answers alone"
    yield f"panel ({event['preset']}): {seats}" if seats else alone
    yield from (f"note: {note}" for note in event.get("notes") or ())


def _member_started(event: Event) -> Iterator[str]:
    questions = event.get("questions") or ()
    yield from (f"{event['seat']} is asked: {question}" for question in questions)


def _tool(event: Event) -> Iterator[str]:
    yield f"{event['seat']} {event['tool']} {event.get('input') or ''}".rstrip()


def _tool_done(event: Event) -> Iterator[str]:
    how = "done" if event["ok"] else "failed"
    text = event.get("summary") or ""
    yield f"{event['seat']} {event['tool']} {how} in {duration(event['seconds'])}: {text}"


def _member_problem(event: Event) -> Iterator[str]:
    """The code and what the server said, for whoever looks into it."""
    error = event["answer"].get("error")
    if error:
        code = error.get("status_code") or ""
        yield f"{event['seat']} {error['reason']} {code}: {error.get('detail', '')}"


def _call(event: Event) -> Iterator[str]:
    cost = event.get("cost_usd")
    said = "cost unknown" if cost is None else money(cost)
    used = f"{tokens(event.get('input_tokens'))} in, {tokens(event.get('output_tokens'))} out"
    failed = f", failed: {event['error']}" if event.get("error") else ""
    yield f"{_seat(event)} model call: {used}, {said}, {duration(event['seconds'])}{failed}"


def _retry(event: Event) -> Iterator[str]:
    why = reason_text(event["reason"])
    yield f"{_seat(event)} asks again in {event.get('wait_s') or 0:.0f}s: {why}"


def _wait(event: Event) -> Iterator[str]:
    why = reason_text(event["reason"])
    if event["reason"] == "local_server":
        ahead = count(event["ahead"], "call")
        yield f"{_seat(event)} waits for the local server: {ahead} before it"
        return
    yield f"{_seat(event)} waits {event.get('wait_s') or 0:.0f}s: {why}"


def _hedge(event: Event) -> Iterator[str]:
    slow = f"{event['model']} has not begun after {duration(event['after_s'])}"
    yield f"{_seat(event)} asks {event['next']} as well: {slow}"


def _images(event: Event) -> Iterator[str]:
    yield f"{event['model']} describes {count(event['images'], 'image')} for models that see none"


def _images_done(event: Event) -> Iterator[str]:
    if event.get("reason"):
        yield f"{event['model']} gave no description of the images: {reason_text(event['reason'])}"


def _without_images(event: Event) -> Iterator[str]:
    yield f"{_seat(event)} goes on without the images: {event['model']} reads none"


def _without_tools(event: Event) -> Iterator[str]:
    yield f"{event['seat']} goes on without tools: {event['model']} takes none"


def _compacted(event: Event) -> Iterator[str]:
    what = count(event["results"], "tool result") if event["results"] else "the evidence"
    shorter = f"{what} by {event['chars']} characters"
    yield f"{_seat(event)} shortens {shorter}: too long for {event['model']}"


def _loop(event: Event) -> Iterator[str]:
    yield f"{event['seat']} is told that it repeats {event['tool']} ({event['times']} times)"


def _switch(event: Event) -> Iterator[str]:
    models = f"from {event['model']} to {event['next']}"
    yield f"{_seat(event)} switches {models}: {reason_text(event['reason'])}"


def _member_finished(event: Event) -> Iterator[str]:
    answer = event["answer"]
    how = {"ok": "answered", "partial": "answered in part", "failed": "failed"}[answer["status"]]
    error = answer.get("error") or {}
    why = reason_text(error["reason"], error.get("detail", "")) if error else ""
    calls = count(answer.get("tool_calls", 0), "tool call")
    yield f"{event['seat']} {how} ({calls}, {duration(answer.get('seconds', 0))})" + (
        f": {why}" if why else ""
    )


def _judge_started(event: Event) -> Iterator[str]:
    yield f"judge ({event['model']}) compares the answers"


def _judge_repair(event: Event) -> Iterator[str]:
    yield f"judge is asked to correct its reply ({count(len(event['errors']), 'error')})"


def _judge_finished(event: Event) -> Iterator[str]:
    analysis = event.get("analysis")
    if analysis is None:
        why = reason_text(event.get("reason") or "no_analysis")
        yield f"the answers were not compared: {why}"
    else:
        yield f"judge: {analysis_summary(analysis)}"


def _growth(event: Event) -> Iterator[str]:
    why = str(event["reason"]).replace("_", " ")
    about = f" ({listed(event['about'])})" if event["about"] else ""
    if event["added"]:
        yield f"panel grows by {listed(event['added'])}: {why}{about}"
    else:
        yield f"panel stays with {listed(event['first'])}: {why}{about}"


def _ended(event: Event) -> Iterator[str]:
    if event["reason"] == "nothing_open":
        yield "nothing that matters is open: no further round"


def _follow_ups(event: Event) -> Iterator[str]:
    for one in event["follow_ups"]:
        yield f"follow-up {one['id']} to {listed(one['seats'])}: {one['question']}"


def _writer_started(event: Event) -> Iterator[str]:
    yield f"writer ({event['model']}) writes"


def _writer_repair(event: Event) -> Iterator[str]:
    yield f"writer is asked to keep to the form ({count(len(event['errors']), 'error')})"


def _writer_finished(event: Event) -> Iterator[str]:
    if event.get("reason"):
        who = f"writer ({event['model']})" if event.get("model") else "writer"
        yield f"{who} failed: {reason_text(event['reason'])}"


def _writer_revision(event: Event) -> Iterator[str]:
    lost = ", ".join(count(number, kind) for kind, number in event["lost"].items())
    yield f"writer ({event['model']}) revises its draft, which lost {lost}"


def _writer_revised(event: Event) -> Iterator[str]:
    if event["kept"] == "revision":
        yield f"the revision brings back {event['brought']} of it"
    else:
        yield "the draft is kept: the revision is no better"


def _verify_started(event: Event) -> Iterator[str]:
    who = f"verifier ({event['model']})" if event.get("model") else "the citations' words"
    yield f"{who}: {count(event['citations'], 'citation')} against the cited passages"


def _verify_finished(event: Event) -> Iterator[str]:
    yield f"citations: {verdict_summary(event)}"


_Lines = Mapping[str, Callable[[Event], Iterator[str]]]
_LINES: _Lines = {
    "run.started": _run_started,
    "member.started": _member_started,
    "member.tool": _tool,
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
    "rounds.ended": _ended,
    "follow_ups": _follow_ups,
    "writer.started": _writer_started,
    "writer.repair": _writer_repair,
    "writer.revision": _writer_revision,
    "writer.revised": _writer_revised,
    "writer.finished": _writer_finished,
    "verify.started": _verify_started,
    "verify.finished": _verify_finished,
}
_VERBOSE: _Lines = {
    "member.tool_done": _tool_done,
    "model.call": _call,
    "member.finished": _member_problem,
}
