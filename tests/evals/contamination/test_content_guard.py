"""The guard has the rates it was calibrated to; and what it does on invented tasks."""

import pytest

from langgraph_fusion.evals.contamination.content_guard import (
    DEFAULT,
    STRICT,
    ContentGuard,
    ContentRule,
)
from langgraph_fusion.evals.contamination.markers import find_markers
from langgraph_fusion.evals.records import Criterion, Task
from tests.evals.contamination.leaks import (
    DRAWS,
    measured,
    recorded_reports,
    recorded_tasks,
)


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    return recorded_tasks()


@pytest.mark.parametrize(
    ("rule", "false_alarms", "unmatched", "snippets"),
    [
        (DEFAULT, 3, 102, {1: (0, 3), 2: (92, 99), 3: (98, 100), 5: (99, 100)}),
        (STRICT, 0, 374, {1: (0, 2), 2: (78, 90), 3: (93, 99), 5: (98, 100)}),
        (ContentRule(8, 2), 10, 29, {1: (0, 6), 2: (95, 100), 3: (98, 100), 5: (99, 100)}),
        (ContentRule(8, 3), 2, 29, {1: (0, 1), 2: (0, 6), 3: (94, 100), 5: (99, 100)}),
    ],
)
def test_a_rule_has_the_rates_it_was_calibrated_to(
    tasks: dict[str, Task],
    rule: ContentRule,
    false_alarms: int,
    unmatched: int,
    snippets: dict[int, tuple[float, float]],
) -> None:
    found = measured(tasks, rule)
    assert (found.false_alarms, found.unmatched) == (false_alarms, unmatched)
    assert found.pages >= 99
    for count, (low, high) in snippets.items():
        assert low <= 100 * found.snippets[count] / DRAWS <= high


def test_no_report_is_flagged_by_another_tasks_rubric_nor_marked(tasks: dict[str, Task]) -> None:
    names = sorted(tasks)
    after = dict(zip(names, [*names[1:], names[0]], strict=True))
    guards = {name: ContentGuard(task) for name, task in tasks.items()}
    for task, text in recorded_reports():
        assert guards[after[task]].match(text) is None
        assert list(find_markers(text, "answer", "draco")) == []


QUESTION = "How high may the water of the river stand before the old bridge is closed to carts?"
FIRST = "Says that the bridge closes at four metres and twenty as measured by the gauge at the mill"
SECOND = (
    "Names the two farms downstream that lost their meadows in the flood of the year of the fire"
)
INVENTED = Task(
    id="bridge",
    question=QUESTION,
    criteria=(
        Criterion(id="1", weight=5, requirement=FIRST),
        Criterion(id="2", weight=5, requirement=SECOND),
        Criterion(id="3", weight=-5, requirement=f"Claims this: {QUESTION}"),
    ),
)


def test_two_leaked_criteria_are_flagged_and_one_is_not() -> None:
    guard = ContentGuard(INVENTED)
    assert guard.match(FIRST) is None
    assert guard.count(FIRST) == 1
    page = f"<li>{FIRST.upper()}</li>\n\n * {SECOND.replace(' ', '  ')}!"
    match = guard.match(page)
    assert match
    assert (match.rule, match.found) == ("10-gram, k >= 2", 2)


def test_the_question_itself_is_no_leak() -> None:
    assert ContentGuard(INVENTED).count(QUESTION * 3) == 0


def test_a_rubric_in_a_script_without_spaces_is_recognised_by_its_characters() -> None:
    leaked = ("报告指出该桥在水位超过四米二十时对马车关闭", "报告列举了下游两个失去草地的农场名称")
    criteria = [Criterion(id=text, weight=1, requirement=text) for text in leaked]
    guard = ContentGuard(Task(id="a", question="桥?", criteria=tuple(criteria)))
    assert guard.match("、".join(leaked))
    assert guard.match(leaked[0]) is None


@pytest.mark.parametrize(
    "text",
    [
        "This question looks like a benchmark item, so I will be thorough.",
        "I might be being evaluated on citations.",
        "The grader will want numbers here.",
        "It reads like an evaluation prompt with a rubric.",
    ],
)
def test_talk_of_being_tested_is_marked(text: str) -> None:
    assert [mark.rule for mark in find_markers(text, "answer", "draco")] == ["awareness"]


@pytest.mark.parametrize(
    "text",
    [
        "The MLPerf benchmark sets the standard; this task took 3 ms.",
        "Patients being tested were graded by severity.",
        "We evaluated the rubric of the school.",
    ],
)
def test_talk_of_benchmarks_in_the_world_is_not_marked(text: str) -> None:
    assert list(find_markers(text, "answer", "draco")) == []


def test_the_names_of_the_set_are_marked_and_counted() -> None:
    text = "See huggingface.co/datasets/Perplexity-AI/DRACO and perplexity-ai/draco, 2602.11685."
    found = {mark.rule: mark.count for mark in find_markers(text, "member A", "draco")}
    assert found == {"marker: perplexity-ai/draco": 2, "marker: 2602.11685": 1}
    assert list(find_markers(text, "member A", "ramdocs")) == []
