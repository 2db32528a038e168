"""The protocols. Facts about each stand in docs/evaluation.md."""

import asyncio
from collections.abc import Coroutine, Sequence
from importlib.util import find_spec
from typing import Any

from langgraph_fusion.evals.prompts import judge_prompt
from langgraph_fusion.evals.protocols.protocol import JudgePrompt, Protocol
from langgraph_fusion.evals.records import Criterion, Task
from langgraph_fusion.graph.errors import ConfigError

GEMINI = "google/gemini-3.1-pro-preview"


def protocol_named(name: str) -> Protocol:
    """The protocol of this name, ready to be used.

    Raises:
        ConfigError: If there is none, or its package is not installed.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"there is no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}")
    if name == "paper" and find_spec("rubric") is None:
        raise ConfigError(
            "protocol `paper` takes its prompt from the package `rubric`: install "
            "`langgraph-fusion[eval]`, or choose --protocol cheap"
        )
    return PROTOCOLS[name]


def _paper(task: Task, answer: str, criteria: Sequence[Criterion]) -> JudgePrompt:
    """The prompt of the paper, as its own library makes it."""
    import rubric
    from rubric.autograders import PerCriterionGrader
    from rubric.autograders.schemas import PerCriterionOutput

    sent: list[JudgePrompt] = []

    async def keep(system_prompt: str, user_prompt: str, **_: Any) -> PerCriterionOutput:
        sent.append(JudgePrompt(system_prompt, user_prompt))
        return PerCriterionOutput(criterion_status="UNMET", explanation="")

    theirs = [rubric.Criterion(weight=one.weight, requirement=one.requirement) for one in criteria]
    _finish(PerCriterionGrader(keep).judge(answer, theirs, task.question))
    (only,) = sent
    return only


def _finish(work: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that waits for nothing, inside of an event loop or outside of one."""
    import threading

    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    thread.join()


def _openrouter(task: Task, answer: str, criteria: Sequence[Criterion]) -> JudgePrompt:
    (one,) = criteria
    given = {"question": task.question, "answer": answer, "criterion": one.requirement}
    return JudgePrompt(judge_prompt("openrouter_system"), judge_prompt("openrouter_user", **given))


def _cheap(task: Task, answer: str, criteria: Sequence[Criterion]) -> JudgePrompt:
    (one,) = criteria
    given = {"question": task.question, "answer": answer, "criterion": one.requirement}
    return JudgePrompt(judge_prompt("cheap_system"), judge_prompt("cheap_user", **given))


def _drb2(task: Task, answer: str, criteria: Sequence[Criterion]) -> JudgePrompt:
    items = "\n".join(f"{one.id}: {one.requirement}" for one in criteria)
    blocked = "\n".join(task.exclude) or "(none)"
    given = {"question": task.question, "answer": answer, "criteria": items, "blocked": blocked}
    return JudgePrompt(judge_prompt("drb2_system"), judge_prompt("drb2_user", **given))


def _schema(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object", "properties": properties, "required": list(properties),
        "additionalProperties": False,
    }  # fmt: skip
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "strict": True, "schema": schema},
    }


_VERDICT = _schema(
    "verdict",
    {"verdict": {"type": "string", "enum": ["MET", "UNMET"]}, "justification": {"type": "string"}},
)

PROTOCOLS = {
    one.id: one
    for one in (
        Protocol(
            id="paper",
            description="DRACO's paper: one criterion a call, its sign shown, 5 passes",
            judge=GEMINI,  # the paper's Gemini 3 Pro was retired on 2026-03-09
            passes=5,
            unit=1,
            make_prompt=_paper,
            temperature=0.2,
            reasoning_effort="low",
        ),
        Protocol(
            id="openrouter",
            description="OpenRouter's harness: one criterion a call, without its sign, 3 passes",
            judge=GEMINI,
            passes=3,
            unit=1,
            make_prompt=_openrouter,
            temperature=0.2,
            reasoning_effort="low",
            response_format=_VERDICT,
            lost="drop",
        ),
        Protocol(
            id="cheap",
            description="Ours: one criterion a call after the answer, so that caches help, 1 pass",
            judge="google/gemini-3-flash-preview",
            passes=1,
            unit=1,
            make_prompt=_cheap,
            temperature=0.0,
            response_format=_VERDICT,
        ),
        Protocol(
            id="drb2",
            description="DeepResearch Bench II: 50 items a call, in our own wording, 1 pass",
            judge=GEMINI,
            passes=1,
            unit=50,
            make_prompt=_drb2,
            max_tokens=16_000,
        ),
    )
}
DEFAULT_OF = {"draco": "paper", "drb2": "drb2"}
"""The protocol of a set, unless another one is named; of all others `cheap`."""
