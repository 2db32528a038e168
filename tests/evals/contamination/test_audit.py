"""The audit of a finished run: what it finds, where, and what it does to the score."""

from langgraph_fusion.evals.contamination.audit import audit_arm, marks_of_drops, marks_of_run
from langgraph_fusion.evals.contamination.content_guard import DEFAULT
from langgraph_fusion.evals.records import (
    Answer,
    ArmResult,
    Mark,
    Outcome,
    SourceRef,
    TaskScore,
    Trace,
)
from langgraph_fusion.tools.exclude import Dropped
from tests.evals.contamination.test_content_guard import FIRST, INVENTED, SECOND

LEAK = f"{FIRST}. {SECOND}."


def marks(text: str = "", trace: Trace | None = None, **given: object) -> set[tuple[str, str]]:
    answer = Answer.model_validate({"text": text, **given})
    return {(one.rule, one.where) for one in marks_of_run(INVENTED, "draco", answer, trace)}


def test_a_clean_run_has_no_marks() -> None:
    trace = Trace(answers=({"seat": "A", "text": "Fine."},), analysis={"consensus": []})
    assert marks("It closes at 4.20 m.", trace) == set()


def test_every_place_of_a_run_is_looked_at() -> None:
    rule = "content: 12-gram, k >= 2"
    assert marks(LEAK) == {(rule, "answer")}
    assert marks("", Trace(answers=({"seat": "B", "text": LEAK},))) == {(rule, "member B")}
    analysis = {"consensus": [{"claim": FIRST}], "blind_spots": [{"gap": SECOND}]}
    assert marks("", Trace(answers=(), analysis=analysis)) == {(rule, "analysis")}
    source = {"A1": {"seat": "A", "url": "https://x.org", "title": FIRST, "text": SECOND}}
    assert marks("", Trace(answers=(), sources=source)) == {(rule, "source of A")}


def test_a_source_behind_an_excluded_address_is_marked() -> None:
    url = "https://arxiv.org/pdf/2602.11685"
    found = marks("", sources=[SourceRef(id="A1", url=url)])
    assert found == {("exclude: arxiv.org/pdf/2602.11685", "source")}


def test_the_rule_can_be_chosen() -> None:
    found = marks_of_run(INVENTED, "draco", Answer(text=LEAK), None, DEFAULT)
    assert [one.rule for one in found] == ["content: 10-gram, k >= 2"]


def test_drops_are_recorded_without_what_was_in_them() -> None:
    drops = [
        Dropped(seat="A", where="content", url="https://x.org", rule="10-gram, k >= 2", count=7),
        Dropped(seat="B", where="query", url="site:bad.org secret", rule="bad.org"),
    ]
    content, query = marks_of_drops(drops)
    assert (content.rule, content.url, content.count) == (
        "content: 10-gram, k >= 2", "https://x.org", 7
    )  # fmt: skip
    assert (query.rule, query.url, query.where) == ("exclude: bad.org", None, "tool of B")
    assert content.dropped
    assert query.dropped


def test_an_arm_is_scored_with_and_without_its_marked_samples() -> None:
    def outcome(task: str, score: float, *marks: Mark) -> Outcome:
        known = TaskScore(score=score, pass_rate=0, raw=0, positive=1, passes=(score,))
        return Outcome(task=task, answer=Answer(text="x"), score=known, marks=marks)

    seen = Mark(rule="awareness", where="answer")
    kept_away = Mark(rule="exclude: x.org", where="tool of A", dropped=True)
    arm = ArmResult(
        name="panel",
        kind="panel",
        outcomes=(outcome("a", 90, seen, kept_away), outcome("b", 50, kept_away), outcome("c", 70)),
    )
    found = audit_arm(arm)
    assert (found.marked, found.dropped, found.tasks) == (("a",), 2, 3)
    assert found.marks == {"awareness": 1, "exclude: x.org": 2}
    assert (found.score.mean, found.score_without_marked.mean) == (70, 60)
