"""Progress as plain lines, for a log or a pipe: one line for an event worth one."""

from collections.abc import Callable, Iterator, Mapping

from langgraph_fusion.cli.display.findings import findings, summary
from langgraph_fusion.cli.display.format import count, duration, listed, money, tokens
from langgraph_fusion.cli.display.model import Board, Event
from langgraph_fusion.models.text import one_line

NAMES = {"judge": "judge", "synthesizer": "writer"}


def lines(board: Board, event: Event, *, verbose: bool = False) -> Iterator[str]:
    """What to print after `event`, given the board that already holds it.

    Finished tool calls and model calls are told only when `verbose`.
    """
    kind = str(event.get("type"))
    told = _LINES.get(kind) or (_VERBOSE.get(kind) if verbose else None)
    return map(one_line, told(board, event)) if told else iter(())


def _run_started(board: Board, event: Event) -> Iterator[str]:
    seats = ", ".join(f"{one['seat']} {one['model']}" for one in event["seats"])
    alone = f"no panel: {event['synthesizer']} answers alone"
    yield f"panel ({event['preset']}): {seats}" if seats else alone
    yield from (f"note: {note}" for note in event.get("notes") or ())


def _member_started(board: Board, event: Event) -> Iterator[str]:
    questions = event.get("questions") or ()
    yield from (f"{event['seat']} is asked: {question}" for question in questions)


def _tool(board: Board, event: Event) -> Iterator[str]:
    yield f"{event['seat']} {event['tool']} {event.get('input') or ''}".rstrip()


def _tool_done(board: Board, event: Event) -> Iterator[str]:
    how = "done" if event["ok"] else "failed"
    text = event.get("summary") or ""
    yield f"{event['seat']} {event['tool']} {how} in {duration(event['seconds'])}: {text}"


def _call(board: Board, event: Event) -> Iterator[str]:
    cost = event.get("cost_usd")
    said = "cost unknown" if cost is None else money(cost)
    used = f"{tokens(event.get('input_tokens'))} in, {tokens(event.get('output_tokens'))} out"
    failed = f", failed: {event['error']}" if event.get("error") else ""
    seat = NAMES.get(event["seat"], event["seat"])
    yield f"{seat} model call: {used}, {said}, {duration(event['seconds'])}{failed}"


def _retry(board: Board, event: Event) -> Iterator[str]:
    seat = NAMES.get(event["seat"], event["seat"])
    yield f"{seat} {event['reason']}: again in {event.get('wait_s') or 0:.0f}s"


def _wait(board: Board, event: Event) -> Iterator[str]:
    seat = NAMES.get(event["seat"], event["seat"])
    yield f"{seat} waits {event.get('wait_s') or 0:.0f}s: {event['reason']}"


def _hedge(board: Board, event: Event) -> Iterator[str]:
    seat = NAMES.get(event["seat"], event["seat"])
    slow = f"{event['model']} has not begun after {duration(event['after_s'])}"
    yield f"{seat} asks {event['next']} as well: {slow}"


def _without_tools(board: Board, event: Event) -> Iterator[str]:
    yield f"{event['seat']} goes on without tools: {event['model']} takes none"


def _compacted(board: Board, event: Event) -> Iterator[str]:
    what = count(event["results"], "tool result") if event["results"] else "the evidence"
    shorter = f"{what} by {event['chars']} characters"
    seat = NAMES.get(event["seat"], event["seat"])
    yield f"{seat} shortens {shorter}: too long for {event['model']}"


def _loop(board: Board, event: Event) -> Iterator[str]:
    yield f"{event['seat']} is told that it repeats {event['tool']} ({event['times']} times)"


def _switch(board: Board, event: Event) -> Iterator[str]:
    seat = NAMES.get(event["seat"], event["seat"])
    reason = event["reason"]
    yield f"{seat} switches from {event['model']} to {event['next']}: {reason}"


def _member_finished(board: Board, event: Event) -> Iterator[str]:
    answer = event["answer"]
    how = {"ok": "answered", "partial": "answered in part", "failed": "failed"}[answer["status"]]
    error = answer.get("error") or {}
    why = ": ".join(error[key] for key in ("reason", "detail") if error.get(key))
    calls = count(answer.get("tool_calls", 0), "tool call")
    yield f"{event['seat']} {how} ({calls}, {duration(answer.get('seconds', 0))})" + (
        f": {why}" if why else ""
    )


def _judge_started(board: Board, event: Event) -> Iterator[str]:
    yield f"judge ({event['model']}) compares the answers"


def _judge_repair(board: Board, event: Event) -> Iterator[str]:
    yield f"judge is asked to correct its reply ({count(len(event['errors']), 'error')})"


def _judge_finished(board: Board, event: Event) -> Iterator[str]:
    analysis = event.get("analysis")
    if analysis is None:
        yield f"judge failed: {event.get('reason') or 'no analysis'}"
        return
    yield f"judge: {summary(analysis)}"
    for finding in findings(analysis):
        if finding.kind in {"conflict", "gap", "suspect"}:
            yield f"judge: {finding.kind}: {'; '.join(finding.text.splitlines())}"


def _growth(board: Board, event: Event) -> Iterator[str]:
    why = str(event["reason"]).replace("_", " ")
    about = f" ({listed(event['about'])})" if event["about"] else ""
    if event["added"]:
        yield f"panel grows by {listed(event['added'])}: {why}{about}"
    else:
        yield f"panel stays with {listed(event['first'])}: {why}{about}"


def _ended(board: Board, event: Event) -> Iterator[str]:
    if event["reason"] == "nothing_open":
        yield "nothing that matters is open: no further round"


def _follow_ups(board: Board, event: Event) -> Iterator[str]:
    for one in event["follow_ups"]:
        yield f"follow-up {one['id']} to {listed(one['seats'])}: {one['question']}"


def _writer_started(board: Board, event: Event) -> Iterator[str]:
    yield f"writer ({event['model']}) writes"


def _writer_repair(board: Board, event: Event) -> Iterator[str]:
    yield f"writer is asked to keep to the form ({count(len(event['errors']), 'error')})"


def _writer_finished(board: Board, event: Event) -> Iterator[str]:
    if event.get("reason"):
        yield f"writer ({event['model']}) failed: {event['reason']}"


_Lines = Mapping[str, Callable[[Board, Event], Iterator[str]]]
_LINES: _Lines = {
    "run.started": _run_started,
    "member.started": _member_started,
    "member.tool": _tool,
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
    "rounds.ended": _ended,
    "follow_ups": _follow_ups,
    "writer.started": _writer_started,
    "writer.repair": _writer_repair,
    "writer.finished": _writer_finished,
}
_VERBOSE: _Lines = {"member.tool_done": _tool_done, "model.call": _call}
