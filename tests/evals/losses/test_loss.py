"""Each loss is put to the stage at which its fact went."""

import pytest

from langgraph_fusion.evals.expected import expected_score, expected_verdicts
from langgraph_fusion.evals.losses.loss import arm_losses
from langgraph_fusion.evals.losses.records import ArmLosses, Loss
from langgraph_fusion.evals.records import (
    Answer,
    ArmResult,
    Criterion,
    Outcome,
    Task,
    Trace,
    Verdict,
)
from langgraph_fusion.evals.scoring import score_task

FACT = "Since the repair in 1994 the bridge bears 9 tonnes."
PART = "The repair was in 1994; it bears carts."
CRITERION = "Bears 9 tonnes since the repair of 1994"
OTHER = "Herons nest below the old walls."
TASK = Task(
    id="bridge",
    question="What about the bridge?",
    domain="Bridges",
    criteria=(
        Criterion(id="load", section="facts", weight=30, requirement=CRITERION),
        Criterion(id="form", section="form", weight=10, requirement="Uses bullet points"),
        Criterion(id="fault", section="facts", weight=-20, requirement="Claims that it is closed"),
    ),
)  # fmt: skip


def outcome(text: str, met: str) -> Outcome:
    verdicts = tuple(
        Verdict(criterion=one.id, met=mark == "1")
        for one, mark in zip(TASK.criteria, met, strict=True)
    )
    score = score_task(TASK, verdicts, 1)
    return Outcome(
        task=TASK.id, domain=TASK.domain, answer=Answer(text=text), verdicts=verdicts, score=score
    )


def found(
    answer: str, trace: Trace | None = None, met: str = "010", member: str = "110"
) -> ArmLosses:
    panel = ArmResult(
        name="panel", kind="panel", members=("solo A",), outcomes=(outcome(answer, met),)
    )
    solo = ArmResult(name="solo A", kind="solo", outcomes=(outcome(f"{FACT} {OTHER}", member),))
    return arm_losses(panel, [solo], {TASK.id: TASK}, lambda _: trace)


def the_loss(answer: str, trace: Trace | None = None) -> Loss:
    (loss,) = found(answer, trace).losses
    return loss


def trace(**given: object) -> Trace:
    whole = {"judge_prompt": FACT, "writer_prompt": FACT, "draft": OTHER, "analysis": {}}
    return Trace.model_validate({"answers": (), **whole, **given})


@pytest.mark.parametrize(
    ("answer", "trace", "stage"),
    [
        (OTHER, None, "dropped"),
        (OTHER, trace(), "dropped"),
        (OTHER, trace(writer_prompt=OTHER), "cut"),
        (PART, trace(draft=PART), "changed"),
        (PART, None, "changed"),
        (OTHER, trace(draft=FACT), "check"),
        (FACT, trace(draft=FACT), "kept"),
    ],
)
def test_the_stage_is_the_first_that_lost_it(answer: str, trace: Trace, stage: str) -> None:
    assert the_loss(answer, trace).stage == stage


def test_a_loss_says_who_found_it_and_where_it_still_was() -> None:
    sources = {"A1": {"text": FACT}}
    analysis = {"unique_insights": [{"insight": PART}], "consensus": [{"claim": OTHER}]}
    loss = the_loss(OTHER, trace(sources=sources, analysis=analysis))
    assert (loss.found_by, loss.passage, loss.passage_of) == (("solo A",), FACT, "solo A")
    assert (loss.weight, loss.points, loss.section) == (30, 75, "facts")
    assert (loss.in_sources, loss.in_judge_request, loss.in_analysis) == (
        "kept", "kept", "changed"
    )  # fmt: skip
    assert (loss.in_writer_request, loss.in_draft, loss.in_answer) == ("kept", "absent", "absent")


def test_what_is_not_known_is_not_called_absent() -> None:
    loss = the_loss(OTHER)
    assert (loss.in_analysis, loss.in_draft, loss.in_writer_request) == (None, None, None)
    assert the_loss(OTHER, trace(analysis=None)).in_analysis is None


def test_form_cannot_be_followed() -> None:
    (loss,) = found("A plain text.", met="100").losses
    assert (loss.stage, loss.passage, loss.in_answer) == ("unlocated", None, None)


def test_losses_are_counted_by_stage_with_their_points_and_the_analysis() -> None:
    stages = found(OTHER, trace(analysis={"consensus": [{"claim": FACT}]})).stages
    dropped = stages["dropped"]
    assert (dropped.losses, dropped.points, dropped.in_analysis) == (1, 75, 1)
    assert sum(one.losses for one in stages.values()) == 1


def test_a_task_behind_its_best_member_is_listed_with_its_losses() -> None:
    (task,) = found(OTHER).behind
    assert (task.score, task.best, task.best_score) == (25, "solo A", 100)
    assert [loss.criterion for loss in task.losses] == ["load"]
    assert found(FACT, met="110").behind == ()


def test_gains_and_added_faults_are_counted_too() -> None:
    better = found(FACT, met="111", member="100")
    assert (better.gained, better.gained_points, better.faults_added) == (1, 25, 1)
    assert better.losses == ()


def test_unknown_tasks_and_missing_verdicts_are_left_out() -> None:
    panel = ArmResult(name="p", kind="panel", outcomes=(outcome(OTHER, "000"),))
    solo = ArmResult(name="s", kind="solo", outcomes=(outcome(FACT, "110"),))
    bare = solo.model_copy(update={"outcomes": (Outcome(task=TASK.id, answer=Answer(text=FACT)),)})
    assert arm_losses(panel, [solo], {}, lambda _: None).tasks == 0
    assert arm_losses(panel, [bare], {TASK.id: TASK}, lambda _: None).tasks == 0


def test_expected_answers_are_followed_like_criteria() -> None:
    task = Task(id="q", question="Who?", expected=("Rome", "Ulm on the Danube"), wrong=("Milan",))

    def graded(text: str) -> Outcome:
        verdicts = expected_verdicts(task, text)
        return Outcome(task="q", answer=Answer(text=text), verdicts=verdicts,
                       score=expected_score(verdicts))  # fmt: skip

    member = graded("It is Rome, and Ulm on the Danube.")
    solo = ArmResult(name="solo A", kind="solo", outcomes=(member,))
    panel = ArmResult(name="panel", kind="panel", outcomes=(graded("It is Rome or Milan."),))
    losses = arm_losses(panel, [solo], {"q": task}, lambda _: None)
    (loss,) = losses.losses
    assert (loss.criterion, loss.requirement, loss.stage) == (
        "right 2", "Ulm on the Danube", "dropped"
    )  # fmt: skip
    assert (loss.points, losses.faults_added) == (50, 1)
