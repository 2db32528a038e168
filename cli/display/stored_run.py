"""A run in the store: how it ended, what it cost, and its texts if they were kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from langgraph_fusion.cli.display.result import print_plain
from langgraph_fusion.cli.output import terminal, write, write_json
from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.wording import count, duration, money, tokens
from langgraph_fusion.models.text import one_line

if TYPE_CHECKING:
    from langgraph_fusion.graph.journal.repository import RunRepository
    from langgraph_fusion.graph.journal.run_record import RunRecord
    from langgraph_fusion.graph.records import Totals

_STYLES = {"running": "cyan", "finished": "green", "failed": "red", "interrupted": "yellow"}


@dataclass(frozen=True)
class StoredRun:
    """A run with what is stored of its texts."""

    record: "RunRecord"
    question: str
    """Empty when it is not stored."""
    result: Mapping[str, Any] | None
    bill: Mapping[str, "Totals"]
    total: "Totals | None"


async def read_run(runs: "RunRepository", record: "RunRecord") -> StoredRun:
    """Read what is stored of a run; what it cost so far if it has not finished."""
    from langgraph_fusion.graph.journal.entries import RecordedUpdate
    from langgraph_fusion.graph.journal.journal_bill import calls_in
    from langgraph_fusion.graph.journal.lifecycle import RESULT
    from langgraph_fusion.graph.journal.run_record import by_seat
    from langgraph_fusion.graph.records import Totals
    from langgraph_fusion.graph.resume import question_in, recorded_messages

    journal = await runs.journal(record)
    kept = journal.read(RESULT, RecordedUpdate)
    bill, total = record.bill, record.total
    if total is None and (calls := calls_in(journal)):
        bill, total = by_seat(calls), Totals.of(calls)
    question = question_in(recorded_messages(journal))
    return StoredRun(record, question, kept.update if kept else None, bill, total)


def print_run(run: StoredRun, *, as_json: bool) -> None:
    """What happened, the bill by seat, and the texts as far as they are stored."""
    if as_json:
        bill = {seat: totals.model_dump() for seat, totals in run.bill.items()}
        total = run.total.model_dump() if run.total else None
        texts = {"question": run.question or None, "result": run.result}
        write_json(record_json(run.record) | {"bill": bill, "total": total} | texts)
        return
    write("\n".join(_run_lines(run)))
    if run.result is not None:
        write("")
        print_plain(run.result, quiet=True)


def record_json(record: "RunRecord") -> dict[str, Any]:
    return record.model_dump(mode="json", exclude={"owner"}) | {"status": record.now}


def print_table(records: list["RunRecord"]) -> None:
    """One run a line, and below it how its question begins, as far as a terminal is wide."""
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    console = terminal()
    preset_width = max(len(one_line(record.preset)) for record in records)
    for record in records:
        line = Text(f"{record.id}  {started(record)}  ")
        line.append(f"{record.now:<11}", _STYLES[record.now])
        line.append(f"  {one_line(record.preset):<{preset_width}}")
        line.append(f"  {duration(record.seconds) if record.seconds else '':>6}")
        line.append(f"  {_cost(record.total)}")
        console.print(line, soft_wrap=True)
        if question := one_line(record.question) or ("(a client's)" * record.of_a_server):
            if console.is_terminal:
                question = set_cell_size(question, min(cell_len(question), console.width - 3))
            console.print(Text(f"  {question}", "dim"), soft_wrap=True)


def _run_lines(run: StoredRun) -> Iterator[str]:
    record = run.record
    yield f"run {record.id}: {_status(record)}"
    yield f"started {started(record)}, preset {one_line(record.preset)}{_how_long(record)}"
    if question := run.question or record.question:
        yield f"question: {one_line(question)}"
    if run.total:
        yield f"cost {_cost(run.total)}, {count(run.total.calls, 'model call')}:"
    for seat, totals in run.bill.items():
        calls = count(totals.calls, "model call")
        yield f"  {_seat_name(seat)} {_cost(totals)}, {calls}, {_tokens(totals)}"
    for failed in record.failed_members:
        yield one_line(f"{failed.seat} failed: {reason_text(failed.reason, failed.detail)}")
    if record.degraded:
        yield f"worse than asked: {', '.join(map(reason_text, record.degraded))}"
    yield from _what_now(run)


def _what_now(run: StoredRun) -> Iterator[str]:
    record = run.record
    if record.resumable:
        yield f"go on with it: fusion resume {record.id}"
    elif record.now == "finished" and run.result is None:
        yield "its texts were not kept (`fusion ask --keep` keeps them)"


def _status(record: "RunRecord") -> str:
    reason = f" ({one_line(reason_text(record.reason))})" if record.reason else ""
    return f"{record.now}{reason}"


def _how_long(record: "RunRecord") -> str:
    worked = f", {duration(record.seconds)}" if record.seconds else ""
    return worked + (f", resumed {count(record.resumes, 'time')}" if record.resumes else "")


def started(record: "RunRecord") -> str:
    """When the run began, in local time."""
    return local_time(record.started_at)


def local_time(stored: str) -> str:
    """A time of the store, to the minute."""
    try:
        return f"{datetime.fromisoformat(stored).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return one_line(stored)


def _seat_name(seat: str) -> str:
    return "writer" if seat == "synthesizer" else one_line(seat)


def _cost(totals: "Totals | None") -> str:
    if totals is None:
        return "?"
    if totals.cost_usd is not None:
        return money(totals.cost_usd)
    return f"at least {money(totals.known_cost_usd)}" if totals.known_cost_usd else "unknown"


def _tokens(totals: "Totals") -> str:
    return f"{tokens(totals.input_tokens)} in, {tokens(totals.output_tokens)} out"
