"""What is told of losses: plain frozen data, JSON-able."""

from typing import Literal

from langgraph_fusion.evals.losses.fact import Presence
from langgraph_fusion.evals.records import Record

Stage = Literal["unlocated", "cut", "dropped", "changed", "check", "kept"]
STAGES: dict[Stage, str] = {
    "cut": "cut by fitting: no request to the writer held it",
    "dropped": "dropped by the writer, who was sent it",
    "changed": "changed by the writer: a part of it is left",
    "check": "in the writer's draft, not in the final answer",
    "kept": "still said, as far as words tell, and graded unmet",
    "unlocated": "not found by words: form, or said in other words",
}
"""In the order in which they are shown."""


class Loss(Record):
    """A criterion that a member met and the final answer did not."""

    task: str
    domain: str
    criterion: str
    section: str
    weight: float
    points: float
    """What it would have earned on its task, 0 to 100."""
    found_by: tuple[str, ...]
    """Solo arms that met it."""
    requirement: str
    """Rubric text: not to be published."""
    passage: str | None
    """The fact in a member's words; None where it was not found by words."""
    passage_of: str | None
    stage: Stage
    in_sources: Presence | None
    """In what members were shown; None without a trace, as below."""
    in_judge_request: Presence | None
    in_analysis: Presence | None
    """None without an analysis."""
    in_writer_request: Presence | None
    in_draft: Presence | None
    in_answer: Presence | None


class StageCount(Record):
    """What was lost at one stage."""

    losses: int
    points: float
    """Of an average task's score."""
    in_analysis: int
    """Of them, how many the judge's analysis held, whole or in part."""
    not_in_analysis: int


class TaskLoss(Record):
    """A task on which the arm fell behind its best member there."""

    task: str
    domain: str
    score: float
    best: str
    best_score: float
    losses: tuple[Loss, ...]


class ArmLosses(Record):
    """What an arm lost of what its members had."""

    arm: str
    tasks: int
    """Tasks with verdicts of the arm and of a member."""
    stages: dict[str, StageCount]
    losses: tuple[Loss, ...]
    behind: tuple[TaskLoss, ...]
    """Tasks on which the best member was better, the worst first."""
    gained: int
    """Criteria of positive weight that the answer met and no member did."""
    gained_points: float
    """Of an average task's score."""
    faults_added: int
    """Criteria of negative weight that the answer met and no member did."""
    traced: int
    """Tasks of which everything between question and answer is known."""
