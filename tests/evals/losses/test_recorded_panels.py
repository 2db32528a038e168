"""How well words follow facts, on recorded panels: the figures of docs/evaluation.md."""

from collections import Counter

import pytest

from langgraph_fusion.evals.datasets.load import load_dataset
from langgraph_fusion.evals.losses.fact import locate, presence
from tests.evals.recorded_scores import OPUS
from tests.shared_data import FOLDER, rows

MEMBERS = ("solo-opus", "solo-gpt55", "solo-kimi")


def texts(name: str) -> dict[str, str]:
    return {row["task_id"]: row["final"]["content"] for row in rows(f"draco/{name}.jsonl")}


@pytest.mark.timeout(600)
def test_facts_that_a_judge_found_are_seldom_called_absent() -> None:
    fused, members = texts("fusion-frontier-opus"), {name: texts(name) for name in MEMBERS}
    met = {
        row["task_id"]: {one["id"]: one["met"] for one in row["judges"][0]["criteria"]}
        for row in rows(OPUS)
    }
    found: Counter[tuple[bool, str]] = Counter()
    for task in load_dataset("draco", FOLDER / "draco/test.jsonl").tasks:
        answers = {name: known[task.id] for name, known in members.items()}
        for one in task.criteria:
            if one.weight > 0:
                located = locate(one.requirement, task.question, answers)
                where = presence(located[1], fused[task.id]) if located else "unlocated"
                found[met[task.id][one.id], str(where)] += 1
    n = {judged: sum(found[judged, one] for one in ("kept", "changed", "absent"))
         for judged in (True, False)}  # fmt: skip
    assert sum(n.values()) / sum(found.values()) == pytest.approx(0.725, abs=0.01)
    assert found[True, "absent"] / n[True] == pytest.approx(0.09, abs=0.01)
    assert found[False, "absent"] / n[False] == pytest.approx(0.21, abs=0.01)
