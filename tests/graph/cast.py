"""Who says what in a scripted deliberation, and the deliberation itself over real HTTP."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from tests.scripted import Reply, Seen, structured, text

A, B, C = PANEL = ("m/a", "m/b", "m/c")
JUDGE, WRITER = "j/judge", "w/writer"

Part = Callable[[Seen], Reply | Awaitable[Reply]]


def cast(
    parts: Mapping[str, Reply | Part] | None = None, *, analysis: Any = None, answer: str = "Done."
) -> Part:
    """A script: each model's part, with sensible ones for those not named."""
    given: dict[str, Reply | Part] = {
        A: text("Alpha says 42."),
        B: text("Beta says 42."),
        C: text("Gamma says 42."),
        JUDGE: structured(analysis or {"consensus": [{"claim": "It is 42.", "seats": ["A", "B"]}]}),
        WRITER: text(answer),
        **(parts or {}),
    }

    def script(seen: Seen) -> Reply | Awaitable[Reply]:
        part = given[seen.model]
        return part if isinstance(part, Reply) else part(seen)

    return script


def settings(**given: Any) -> FusionSettings:
    """Three scripted members without tools, unless a test says otherwise."""
    base: dict[str, Any] = {
        "panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER, "tools": [],
        "deadline_s": 45,  # short enough that nobody waits for an outage to pass
    }  # fmt: skip
    return load_settings(base | given)


def contradiction(**given: Any) -> dict[str, Any]:
    """A high-stakes dispute between A and B, as a judge reports it."""
    stances = [{"seat": "A", "stance": "42"}, {"seat": "B", "stance": "17"}]
    return {"id": "K1", "topic": "the number", "stances": stances, "matters": "high"} | given


def follow_up(**given: Any) -> dict[str, Any]:
    """A question that would settle the dispute."""
    asked = {"id": "F1", "question": "What is the number according to the register?"}
    return {**asked, "kind": "contradiction", "about": "K1", "seats": ["A", "B"], **given}


def disputed(**given: Any) -> dict[str, Any]:
    """An analysis with one open dispute and a follow-up on it."""
    return {"contradictions": [contradiction()], "follow_ups": [follow_up()]} | given


def judge(*analyses: Any) -> Part:
    """A judge that returns these analyses round by round, the last one for all later ones."""

    def part(seen: Seen) -> Reply:
        round = len(re.findall(r"<earlier_analysis>", seen.last))
        return structured(analyses[min(round, len(analyses) - 1)])

    return part


def asked_again(first: Reply | Part, later: Reply | Part) -> Part:
    """A member that gives one reply in the first round and another one to follow-ups."""

    def part(seen: Seen) -> Reply | Awaitable[Reply]:
        chosen = later if "<your_earlier_answer>" in seen.text else first
        return chosen if isinstance(chosen, Reply) else chosen(seen)

    return part


def as_json(result: FusionResult) -> dict[str, Any]:
    """The result as `--json` prints it."""
    whole: dict[str, Any] = json.loads(result.model_dump_json())
    return whole
