"""An invented world for evaluations over the scripted server: tasks, members, and their judges."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from langgraph_fusion.evals.arms.from_settings import arms_of
from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.datasets.own import read_own
from langgraph_fusion.evals.evaluate import Plan
from langgraph_fusion.evals.limits import Limits
from langgraph_fusion.evals.protocols.published import protocol_named
from langgraph_fusion.evals.records import Task
from tests.graph.cast import JUDGE, WRITER, A, B, settings
from tests.scripted import Reply, Seen, structured, text

GRADER = "g/grader"
SECRET = "zebra-rubric"
"""Stands in every criterion and nowhere else."""
FACTS = ("amber", "birch", "coral", "delta", "ember")
KNOWN = {A: ("amber", "birch"), B: ("birch", "coral")}
"""What each member knows; the writer loses nothing of it."""

Part = Callable[[Seen], Reply]


def tasks_text(number: int, criteria: int = 5) -> str:
    """A set of one's own with so many tasks, as JSONL."""
    rows = [
        {
            "id": f"t{n:03d}",
            "question": f"Which stones does box {n} hold?",
            "domain": ("north", "south")[n % 2],
            "rubric": [
                {
                    "id": f"c{place}",
                    "requirement": f"{SECRET}: names {FACTS[place % len(FACTS)]} ({place})",
                    "weight": -4 if place == 3 else 2 + place % 3,
                    "section": ("facts", "style")[place % 2],
                }
                for place in range(criteria)
            ],
        }
        for n in range(number)
    ]
    return "\n".join(map(json.dumps, rows))


def dataset(number: int, criteria: int = 5) -> DataSet:
    tasks = tuple(read_own(tasks_text(number, criteria), "boxes"))
    return DataSet("boxes", "0" * 64, tasks, size=number)


def plan(data: DataSet, *, limits: Limits | None = None, passes: int = 1, **given: Any) -> Plan:
    """Two members, their panel, and what is asked for beside it."""
    panel = settings(panel=[A, B], judge=JUDGE, synthesizer=WRITER)
    members, arms = arms_of(panel, **given)
    protocol = protocol_named("cheap").with_passes(passes)
    return Plan(data, members, arms, protocol, GRADER, limits or Limits())


def box_of(seen: Seen) -> int:
    found = re.search(r"box (\d+)", seen.text)
    assert found
    return int(found[1])


def says(model: str, box: int) -> str:
    """What a member finds in a box: every third time it misses its first fact."""
    known = KNOWN[model][(box + len(model + str(box))) % 3 == 0 :]
    return f"The box holds {' and '.join(known)}."


def member(model: str) -> Part:
    return lambda seen: text(says(model, box_of(seen)))


def judge(seen: Seen) -> Reply:
    if not seen.wants_json:
        return text("The box holds delta.")
    return structured({"consensus": [{"claim": "birch", "seats": ["A"]}], "best_answer": "A"})


def writer(seen: Seen) -> Reply:
    """All facts that stand in the prompt."""
    answers = " ".join(re.findall(r"<answer[^>]*>(.*?)</answer>", seen.last, re.S))
    return text(f"It holds {', '.join(one for one in FACTS if one in answers)}.")


def grader(seen: Seen) -> Reply:
    """MET if the fact that the criterion names is in the answer."""
    found = re.search(r"<answer>(.*)</answer>.*names (\w+)", seen.last, re.S)
    assert found
    met = found[2] in found[1]
    return structured({"verdict": "MET" if met else "UNMET", "justification": "It says so."})


def script(parts: Mapping[str, Part] | None = None) -> Part:
    roles: dict[str, Part] = {
        A: member(A), B: member(B), JUDGE: judge, WRITER: writer, GRADER: grader, **(parts or {}),
    }  # fmt: skip
    return lambda seen: roles.get(seen.model, writer)(seen)


def expected_score(task: Task, answer: str) -> float:
    """Worked out here once more, from the formula."""
    weights = {one.requirement.split()[2]: 0.0 for one in task.criteria}
    for one in task.criteria:
        weights[one.requirement.split()[2]] += one.weight
    raw = sum(weight for fact, weight in weights.items() if fact in answer)
    positive = sum(one.weight for one in task.criteria if one.weight > 0)
    return max(0.0, min(100.0, 100 * raw / positive))
