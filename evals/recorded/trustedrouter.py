"""Rows of github.com/Lore-Hex/TrustedRouter-Fusion-Draco: `results/` and `replays/`.

`final.input_tokens` and `output_tokens` belong to the last model call alone, so they are no totals
of a run and are not taken over; `final.elapsed_ms` is the wall time of the whole run.
"""

from langgraph_fusion.evals.datasets.rows import Row, field_of
from langgraph_fusion.evals.recorded.rows import RecordedReport, RecordedVerdicts, whole
from langgraph_fusion.evals.records import Answer, Finish, Verdict
from langgraph_fusion.evals.verdict_text import read_verdicts


def verdicts(row: Row, place: str) -> list[RecordedVerdicts]:
    judges = field_of(row, "judges", list, place)
    given = [
        _verdict(one, number) for number, judge in enumerate(judges) for one in judge["criteria"]
    ]
    return [
        RecordedVerdicts(
            arm=field_of(row, "config_id", str, place),
            task=field_of(row, "task_id", str, place),
            verdicts=tuple(given),
            judge=row.get("judge_model"),
            passes=len(judges),
            score=row.get("score"),
            weights={one["id"]: one["weight"] for judge in judges for one in judge["criteria"]},
        )
    ]


def _verdict(one: Row, judge_pass: int) -> Verdict:
    return Verdict(
        criterion=one["id"], judge_pass=judge_pass, met=one["met"], reason=one.get("rationale", "")
    )


def parsed_again(row: Row, ids: list[str]) -> dict[str, bool]:
    """The verdicts once more, from what the judge wrote: each chunk holds a few criteria."""
    found: dict[str, bool] = {}
    for judge in row["judges"]:
        for chunk in judge["raw_chunks"]:
            read = read_verdicts(chunk["content"], ids)
            found.update({id: one.met for id, one in read.items()})
    return found


def not_judged(row: Row, place: str) -> list[RecordedVerdicts]:
    why = f"{row.get('error_type', 'error')}: {row.get('error', '')}"
    return [
        RecordedVerdicts(
            arm=field_of(row, "config_id", str, place),
            task=field_of(row, "task_id", str, place),
            verdicts=(),
            error=why,
        )
    ]


def report(row: Row, place: str) -> list[RecordedReport]:
    final = field_of(row, "final", dict, place)
    agentic, fusion = row.get("agentic") or {}, row.get("fusion") or {}
    text = str(final.get("content") or "")
    elapsed = whole(final.get("elapsed_ms"))
    tool_calls = whole(agentic.get("tool_calls_made"))
    answer = Answer(
        text=text,
        finish=_finish(final, text),
        refused=not text.strip() and not tool_calls,
        error=None if text.strip() else "no text",
        model=final.get("model"),
        seconds=elapsed / 1000 if elapsed is not None else None,
        tool_calls=tool_calls,
    )
    return [
        RecordedReport(
            arm=field_of(row, "config_id", str, place),
            task=field_of(row, "task_id", str, place),
            answer=answer,
            panel=tuple(fusion.get("panel") or ()),
        )
    ]


def _finish(final: Row, text: str) -> Finish:
    if not text.strip():
        return "failed"
    return "length" if final.get("finish_reason") == "length" else "stop"
