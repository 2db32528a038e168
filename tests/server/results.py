"""A result of a run as the graph gives it, with a little of everything."""

from typing import Any

from langgraph_fusion.graph.records import Call, Totals
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.writing.result_of import bill_of

ANSWER = (
    "Naïve 42 [[1]](https://a.org/x) and 17 [[2]](https://b.org/y_%28z%29); again "
    "[[1]](https://a.org/x), never [[9]](https://no.org).\n\n## Sources\n\n1. [A](https://a.org/x)"
)


def call(seat: str, **given: Any) -> Call:
    stage = {"judge": "judge", "synthesizer": "synthesizer"}.get(seat, "panel")
    base: dict[str, Any] = {
        "stage": stage, "seat": seat, "model": "openrouter:v/m", "input_tokens": 100,
        "output_tokens": 10, "cached_tokens": 5, "reasoning_tokens": 3, "cost_usd": 0.01,
        "cost_source": "provider",
    }  # fmt: skip
    return Call(**base | given)


CALLS = [call("A"), call("B"), call("judge"), call("synthesizer")]


def result(calls: list[Call] | None = None, **given: Any) -> FusionResult:
    """Two members of three answered: A twice, B once, C never."""
    calls = CALLS if calls is None else calls
    bill = Totals.of([]).model_dump()
    failure = {"seat": "C", "model": "openrouter:v/c", "reason": "outage", "status_code": 502}
    base: dict[str, Any] = {
        "run_id": "0123456789ab", "preset": "budget", "question": "Why?", "mode": "synthesize",
        "answer": ANSWER, "written_by": "openrouter:v/w", "judged_by": "openrouter:v/j",
        "analysis": {
            "consensus": [{"claim": "It is 42.", "seats": ["A", "B"], "sources": ["A1"]}],
            "contradictions": [
                {"topic": "how", "stances": [{"seat": "A", "stance": "x"}], "status": "open"}
            ],
            "partial_coverage": [{"point": "costs", "seats": ["B"]}],
            "unique_insights": [{"insight": "it moves", "seat": "A"}],
            "blind_spots": [{"gap": "the past", "matters": "low"}],
            "suspect_claims": [{"claim": "17", "seat": "B", "why": "invented"}],
        },
        "rounds": 1, "follow_ups": [],
        "panel": [
            {"seat": "A", "model": "openrouter:v/a", "status": "ok", "bill": bill},
            {"seat": "B", "model": "openrouter:v/b", "status": "ok", "bill": bill},
            {"seat": "C", "model": "openrouter:v/c", "status": "failed", "bill": bill},
        ],
        "answers": [
            {"seat": "B", "model": "openrouter:v/fallback", "text": "17", "status": "ok"},
            {"seat": "A", "model": "openrouter:v/a", "text": "42", "status": "ok",
             "tool_calls": 3, "tool_errors": 1, "searches": 1},
            {"seat": "C", "model": "openrouter:v/c", "status": "failed", "error": failure},
            {"seat": "A", "model": "openrouter:v/a", "text": "42!", "status": "ok", "round": 1},
        ],
        "failed_members": [failure],
        "sources": [
            source("A1", 1, "https://a.org/x", "A"), source("B1", 2, "https://b.org/y_(z)", "B"),
            source("B2", 1, "https://a.org/x", "A again", same_as="A1"),
        ],
        "unverified": [], "retention": {}, "dropped": [], "degraded": [],
        "bill": bill_of(calls), "seconds": 1.5, "started_at": "2026-11-24T09:00:00+00:00",
    }  # fmt: skip
    return FusionResult.model_validate(base | given)


def source(id: str, number: int | None, url: str, title: str, **given: Any) -> dict[str, Any]:
    base = {"id": id, "number": number, "seat": id[0], "kind": "page", "url": url, "title": title}
    return {**base, "retrieved_at": "2026-11-24", "sha256": "0" * 64, "chars": 9, **given}
