"""A stored result about a town that is not there: three members, a panel and its variants."""

import random
from collections.abc import Mapping, Sequence

from langgraph_fusion.evals.records import (
    Answer,
    ArmKind,
    ArmResult,
    Criterion,
    DataSetRef,
    Outcome,
    ProtocolRef,
    SectionScore,
    SourceRef,
    StageUse,
    StoredResult,
    Task,
    TaskScore,
    Verdict,
)
from langgraph_fusion.evals.scoring import score_task

DOMAINS = ("Bridges", "Birds", "Law & <order>")
MEMBERS = ("solo A", "solo B", "solo C")
TASKS = tuple(
    Task(
        id=f"task-{number}",
        question=f"What of number {number}?",
        domain=DOMAINS[number % 3],
        criteria=tuple(
            Criterion(
                id=f"c{at}",
                section=("facts", "form")[at % 2],
                weight=(5, 10, -5)[at % 3],
                requirement=f"Invented criterion {at} of task {number}.",
            )
            for at in range(9)
        ),
    )
    for number in range(24)
)


def outcome(task: Task, skill: float, draw: random.Random, passes: int = 1) -> Outcome:
    """An answer that meets criteria by chance; better ones more often."""
    verdicts = tuple(
        Verdict(
            criterion=one.id,
            judge_pass=number,
            met=draw.random() < (skill if one.weight > 0 else 0.2),
            reason="",
        )
        for number in range(passes)
        for one in task.criteria
    )
    return Outcome(
        task=task.id,
        domain=task.domain,
        answer=Answer(
            text=f"See https://example.org/{task.id} for more.",
            sources=(SourceRef(id="A1", url="https://example.org", number=1, seat="A"),),
            cost_usd=0.1 * skill,
            seconds=60 * skill,
            stages=(StageUse(stage="panel", calls=3, cost_usd=0.05, seconds=40),),
            claim_retention=0.5,
        ),
        verdicts=verdicts,
        due=len(verdicts),
        score=score_task(task, verdicts, passes),
        judge_usd=0.01,
    )


def arm(
    name: str, kind: ArmKind, skill: float, members: Sequence[str] = MEMBERS, passes: int = 1
) -> ArmResult:
    draw = random.Random(name)
    outcomes = tuple(outcome(task, skill, draw, passes) for task in TASKS)
    return ArmResult(name=name, kind=kind, members=tuple(members), outcomes=outcomes)


def scored(name: str, scores: Mapping[str, float], kind: ArmKind = "recorded") -> ArmResult:
    """An arm with these scores and nothing else."""
    outcomes = [
        Outcome(
            task=task,
            answer=Answer(text="x"),
            score=TaskScore(
                score=score,
                pass_rate=score,
                raw=score,
                positive=100,
                passes=(score,),
                sections={"all": SectionScore(score=score, pass_rate=score, criteria=1)},
            ),
        )
        for task, score in scores.items()
    ]
    return ArmResult(name=name, kind=kind, outcomes=tuple(outcomes))


def result(*arms: ArmResult) -> StoredResult:
    return StoredResult(
        created_at="2026-11-28T03:00:00+00:00",
        version="0.1.0",
        dataset=DataSetRef(
            name="invented", sha256="0" * 64, tasks=24, chosen=tuple(task.id for task in TASKS)
        ),
        protocol=ProtocolRef(id="cheap", sha256="1" * 64, judge="some/judge", passes=1),
        arms=arms,
    )


def panel_result() -> StoredResult:
    solos = [arm(name, "solo", 0.35 + 0.08 * at, members=[name]) for at, name in enumerate(MEMBERS)]
    best = [
        max((one.outcomes[at] for one in solos), key=lambda o: o.score.score if o.score else 0)
        for at in range(len(TASKS))
    ]
    oracle = ArmResult(name="oracle", kind="oracle", members=MEMBERS, outcomes=tuple(best))
    return result(
        *solos,
        oracle,
        arm("panel", "panel", 0.75),
        arm("no judge", "no_judge", 0.7),
        arm("concatenation", "concat", 0.55),
        arm("placebo <b>", "placebo", 0.65),
    )
