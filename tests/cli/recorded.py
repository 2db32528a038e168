"""Events of a run as the graph tells them: three members, a conflict, a follow-up, an answer.

One member fails, one model is switched, the writer starts twice, one call has no known cost.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from langgraph_fusion.graph.records import Call, Totals

Event = dict[str, Any]

QUESTION = "How many fish live in the lake?"
ANSWER = "The lake holds **4,200** fish [[1]](https://lake.example/census).\n\n## Sources\n\n1. [Census](https://lake.example/census)\n"

ANALYSIS: dict[str, Any] = {
    "consensus": [
        {"claim": "The lake was counted in 2024.", "seats": ["A", "B"], "sources": ["A1"]}
    ],
    "contradictions": [
        {
            "id": "K1",
            "topic": "number of fish",
            "stances": [
                {"seat": "A", "stance": "4,200", "sources": ["A1"]},
                {"seat": "B", "stance": "3,900", "sources": []},
            ],
            "status": "open",
            "resolution": None,
            "matters": "high",
        }
    ],
    "partial_coverage": [{"id": "P1", "point": "Which species", "seats": ["B"]}],
    "unique_insights": [{"insight": "Half are perch.", "seat": "B", "sources": ["B2"]}],
    "blind_spots": [{"id": "G1", "gap": "Nobody says when it froze.", "matters": "low"}],
    "suspect_claims": [
        {
            "id": "S1",
            "claim": "Pike are extinct.",
            "seat": "B",
            "why": "No source.",
            "matters": "low",
        }
    ],
    "follow_ups": [],
    "best_answer": "A",
}
FOLLOW_UP = {
    "id": "F1",
    "question": "Which census gives the number, and for which year?",
    "kind": "contradiction",
    "about": "K1",
    "seats": ["A", "B"],
}


SOURCE: dict[str, Any] = {
    "id": "A1",
    "number": 1,
    "seat": "A",
    "kind": "page",
    "url": "https://lake.example/census",
    "title": "Census",
    "retrieved_at": "2026-01-01T00:00:00+00:00",
    "sha256": "0" * 64,
    "same_as": None,
    "excerpt": "4,200 fish",
    "chars": 10,
}


def settled() -> dict[str, Any]:
    conflict = ANALYSIS["contradictions"][0] | {
        "status": "resolved",
        "resolution": "4,200: the census of 2024; 3,900 was 2019.",
    }
    return ANALYSIS | {"contradictions": [conflict]}


def call(seat: str, model: str, **changes: Any) -> Event:
    stage = {"judge": "judge", "synthesizer": "synthesizer"}.get(seat, "panel")
    fields: dict[str, Any] = {
        "stage": stage,
        "seat": seat,
        "model": model,
        "input_tokens": 12_000,
        "output_tokens": 800,
        "cost_usd": 0.0125,
        "cost_source": "provider",
        "seconds": 4.2,
    }
    return {"type": "model.call", **Call(**(fields | changes)).model_dump()}


def answer(seat: str, model: str, **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "seat": seat,
        "model": model,
        "round": 0,
        "text": f"Answer of {seat}: 4,200 fish [A1].",
        "status": "ok",
        "error": None,
        "tool_calls": 1,
        "seconds": 9.5,
    }
    merged = fields | changes
    return {"type": "member.finished", "seat": seat, "round": merged["round"], "answer": merged}


def first_round() -> list[Event]:
    failure = {"seat": "C", "model": "c/three", "reason": "rate_limited", "detail": "slow down"}
    return [
        {
            "type": "run.started",
            "run_id": "r1",
            "preset": "budget",
            "seats": [
                {"seat": "A", "model": "vendor/one"},
                {"seat": "B", "model": "vendor/two"},
                {"seat": "C", "model": "vendor/three"},
            ],
            "judge": "vendor/judge",
            "synthesizer": "vendor/writer",
            "tools": ["web_search"],
            "notes": [],
        },
        *(
            {
                "type": "member.started",
                "seat": seat,
                "model": f"vendor/{name}",
                "round": 0,
                "questions": [],
                "sandbox": True,
            }
            for seat, name in zip("ABC", ("one", "two", "three"), strict=True)
        ),
        call("A", "vendor/one"),
        tool("A", "t1", "web_search", "fish census lake"),
        {
            "type": "model.retry",
            "seat": "C",
            "model": "vendor/three",
            "reason": "rate_limited",
            "wait_s": 2.0,
        },
        {
            **tool("A", "t1", "web_search", ""),
            "type": "member.tool_done",
            "ok": True,
            "seconds": 0.8,
            "summary": "5 hits",
        },
        {
            "type": "model.switch",
            "seat": "B",
            "model": "vendor/two",
            "reason": "outage",
            "next": "vendor/spare",
        },
        call("B", "vendor/spare", cost_usd=None, cost_source=None),
        answer("A", "vendor/one"),
        answer("B", "vendor/spare", text="Answer of B: 3,900 fish."),
        answer("C", "vendor/three", text="", status="failed", error=failure, tool_calls=0),
    ]


def tool_done(started: Event, seconds: float, summary: str) -> Event:
    about = {"ok": True, "seconds": seconds, "summary": summary}
    return {**started, "type": "member.tool_done", **about}


def tool(seat: str, call_id: str, name: str, text: str, round: int = 0) -> Event:
    return {
        "type": "member.tool",
        "seat": seat,
        "round": round,
        "call_id": call_id,
        "tool": name,
        "input": text,
    }


def judged() -> list[Event]:
    return [
        {"type": "judge.started", "round": 0, "model": "vendor/judge"},
        {"type": "judge.repair", "errors": ["follow_ups: bad"], "attempt": 1},
        call("judge", "vendor/judge"),
        {"type": "judge.finished", "round": 0, "analysis": ANALYSIS, "reason": ""},
    ]


def follow_up_round() -> list[Event]:
    return [
        {"type": "follow_ups", "round": 1, "follow_ups": [FOLLOW_UP]},
        {
            "type": "member.started",
            "seat": "A",
            "model": "vendor/one",
            "round": 1,
            "questions": [FOLLOW_UP["question"]],
            "sandbox": True,
        },
        tool("A", "t2", "web_fetch", "https://lake.example/census", 1),
        {
            **tool("A", "t2", "web_fetch", "", 1),
            "type": "member.tool_done",
            "ok": True,
            "seconds": 1.5,
            "summary": "page",
        },
        answer("A", "vendor/one", round=1, text="F1: the census of 2024.", asked=["F1"]),
        {"type": "judge.started", "round": 1, "model": "vendor/judge"},
        {"type": "judge.finished", "round": 1, "analysis": settled(), "reason": ""},
    ]


def written() -> list[Event]:
    return [
        {"type": "writer.started", "model": "vendor/writer", "mode": "synthesize"},
        {"type": "writer.delta", "text": "A page that is thrown away"},
        {"type": "writer.finished", "model": "vendor/writer", "reason": "empty"},
        {"type": "writer.started", "model": "vendor/second", "mode": "synthesize"},
        *(
            {"type": "writer.delta", "text": part}
            for part in ("The lake holds ", "**4,200** fish [A1].")
        ),
        call("synthesizer", "vendor/second"),
        {"type": "writer.finished", "model": "vendor/second", "reason": None},
    ]


def before_the_end() -> list[Event]:
    return [*first_round(), *judged(), *follow_up_round(), *written()]


def whole_run(**changes: Any) -> list[Event]:
    events = before_the_end()
    return [*events, {"type": "run.finished", "result": result(events, **changes)}]


def result(events: Iterable[Event], **changes: Any) -> dict[str, Any]:
    calls = [
        {key: value for key, value in event.items() if key != "type"}
        for event in events
        if event["type"] == "model.call"
    ]
    answers = [event["answer"] for event in events if event["type"] == "member.finished"]
    fields = {
        "schema_version": 1,
        "run_id": "r1",
        "preset": "budget",
        "question": QUESTION,
        "mode": "synthesize",
        "answer": ANSWER,
        "written_by": "vendor/second",
        "analysis": settled(),
        "judged_by": "vendor/judge",
        "rounds": 1,
        "follow_ups": [{**FOLLOW_UP, "round": 1}],
        "panel": [],
        "answers": answers,
        "failed_members": [one["error"] for one in answers if one["error"]],
        "sources": [SOURCE, SOURCE | {"id": "B1", "seat": "B", "same_as": "A1"}],
        "unverified": [],
        "retention": {"claims": 1.0, "citations": 0.5},
        "dropped": [],
        "degraded": [],
        "warnings": [],
        "used": {
            "sources_shown": 9,
            "sources_cited": 1,
            "documents": None,
            "failed_tools": [],
        },
        "notes": ["Seat B: vendor/spare takes no tools and had none."],
        "bill": {
            "total": Totals.of(Call(**call) for call in calls).model_dump(),
            "stages": {},
            "calls": calls,
        },
        "seconds": 41.7,
        "started_at": "2026-01-01T00:00:00+00:00",
    }
    return fields | changes


async def replay(events: Iterable[Event], gap_s: float = 0.0) -> AsyncGenerator[Event, None]:
    """Tell the events as a run would, with a pause after each."""
    for event in events:
        yield event
        await asyncio.sleep(gap_s)
