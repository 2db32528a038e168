import json
from collections import Counter
from pathlib import Path

import pytest

from langgraph_fusion.evals.datasets.dataset import spread
from langgraph_fusion.evals.datasets.draco import read_draco
from langgraph_fusion.evals.datasets.drb2 import read_drb2
from langgraph_fusion.evals.datasets.load import PINNED, load_dataset
from langgraph_fusion.evals.datasets.own import read_own
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.tools.exclude import Exclusion
from tests.shared_data import FOLDER


def test_draco_is_what_its_paper_says() -> None:
    path = FOLDER / "draco" / "test.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    data = load_dataset("draco", path)
    criteria = [one for task in data.tasks for one in task.criteria]
    assert (len(data.tasks), len(criteria)) == (100, 3934)
    assert sum(one.weight < 0 for one in criteria) == 415
    assert Counter(one.section for one in criteria) == {
        "factual-accuracy": 2048,
        "breadth-and-depth-of-analysis": 855,
        "presentation-quality": 556,
        "citation-quality": 475,
    }
    assert Counter(task.domain for task in data.tasks)["Finance"] == 20
    assert data.ref.sha256 == PINNED["draco"].sha256
    assert data.ref.revision == PINNED["draco"].revision
    twenty = data.chosen(limit=20)
    assert Counter(task.domain for task in twenty.tasks) == dict.fromkeys(
        {task.domain for task in data.tasks}, 2
    )


def test_the_sample_of_ramdocs_has_48_tasks() -> None:
    path = FOLDER / "samples" / "ramdocs_conflict.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    data = load_dataset("ramdocs", path)
    assert len(data.tasks) == 48
    assert "sample of 48 tasks" in str(data.revision)
    assert all(task.expected and task.documents for task in data.tasks)
    assert not any("misinfo" in one.title for task in data.tasks for one in task.documents)


@pytest.mark.parametrize("name", PINNED)
def test_another_file_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text("{}\n")
    with pytest.raises(DataRefused, match="is not"):
        load_dataset(name, path)


@pytest.mark.parametrize("name", PINNED)
def test_every_exclude_list_is_one_that_the_tools_take(name: str) -> None:
    assert Exclusion(PINNED[name].exclude)


def test_nested_sections_of_draco_are_walked() -> None:
    inner = {"id": "b", "title": "B", "criteria": [_criterion("two", -3)]}
    outer = {"id": "a", "title": "A", "criteria": [_criterion("one", 5)], "sections": [inner]}
    row = {"id": "t", "problem": "?", "domain": "d", "answer": json.dumps({"sections": [outer]})}
    (task,) = read_draco(json.dumps(row))
    assert {(one.id, one.section, one.weight) for one in task.criteria} == {
        ("one", "a", 5),
        ("two", "a", -3),
    }


def test_withdrawn_tasks_of_drb2_are_left_out_and_its_articles_are_excluded() -> None:
    rows = [_drb2(1), _drb2(112)]
    (task,) = read_drb2("\n".join(map(json.dumps, rows)))
    assert task.id == "task1"
    assert [one.id for one in task.criteria] == ["info_recall-1", "info_recall-2", "analysis-1"]
    assert task.exclude == ("example.org/a/1",)
    assert "forbidden" not in task.question


def test_a_set_of_ones_own_has_no_pinned_hash(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    rows = [
        {"question": "Year?", "expected": 1847},
        {"question": "Why?", "rubric": [{"requirement": "Says why", "weight": 2}]},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    data = load_dataset(str(path))
    assert (data.name, data.revision, len(data.tasks)) == ("mine", None, 2)
    assert data.tasks[0].expected == ("1847",)
    assert data.tasks[1].criteria[0].weight == 2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question": "?"}, "either `expected` or `rubric`"),
        ({"expected": "x"}, "`question` is missing"),
        ({"question": "?", "expected": "x", "rubric": [{"requirement": "y"}]}, "either"),
        ({"question": "?", "rubric": [{"requirement": "y", "weight": 0}]}, "decides nothing"),
        ({"question": "?", "rubric": [{"requirement": "y", "weight": "5"}]}, "no number"),
        ({"question": "?", "rubric": [{"weight": 1}]}, "criterion 1: `requirement`"),
        ({"question": "?", "expcted": "x"}, "unknown field expcted"),
        ({"question": "?", "expected": [""]}, "`expected`"),
        ({"question": "?", "rubric": [{"id": 1, "requirement": "y"}] * 2}, "stands twice"),
    ],
)
def test_a_row_that_cannot_be_graded_is_refused_by_its_line(row: object, said: str) -> None:
    good = json.dumps({"question": "fine?", "expected": "yes"})
    with pytest.raises(DataRefused, match=said) as refused:
        read_own(f"{good}\n\n{json.dumps(row)}\n", "mine")
    assert "line 3" in str(refused.value)


def test_an_unknown_set_names_the_known_ones() -> None:
    with pytest.raises(DataRefused, match="draco, drb2, ramdocs"):
        load_dataset("dracco")


def test_a_choice_is_spread_over_the_domains() -> None:
    tasks = read_own(
        "\n".join(
            json.dumps({"question": f"{n}?", "expected": "x", "domain": "ab"[n > 2]})
            for n in range(6)
        ),
        "mine",
    )
    assert [task.question for task in spread(tasks, 4)] == ["0?", "1?", "3?", "4?"]


def _criterion(id: str, weight: int) -> dict[str, object]:
    return {"id": id, "weight": weight, "requirement": "x"}


def _drb2(idx: int) -> dict[str, object]:
    return {
        "id": f"task{idx}", "idx": idx, "theme": "Health", "prompt": "Do. forbidden: an article",
        "content": {
            "task": "Do.",
            "rubric": {"info_recall": ["x", "y"], "analysis": ["z"], "presentation": []},
            "blocked": {"urls": ["https://example.org/a/1?x=2#y"]},
        },
    }  # fmt: skip
