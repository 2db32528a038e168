import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.evals.verdict_text import read_verdict, read_verdicts


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ('{"criterion_status": "MET", "explanation": "There."}', True),
        ('{"verdict": "UNMET", "justification": "Not there."}', False),
        ('```json\n{"verdict": "MET"}\n```', True),
        ('Let me see {first}.\n{"verdict": "UNMET", "justification": "no"}\nDone.', False),
        ('{"verdict": "not met"}', False),
        ('{"met": false}', False),
        ('[{"verdict": "MET"}]', True),
        ('{"criterion_status": "MET", "explanation": "cut of', True),
        ("MET", None),
        ("", None),
        ('{"verdict": "MAYBE"}', None),
        ('{"verdict": null}', None),
        ('[{"verdict": "MET"}, {"verdict": "UNMET"}]', None),
        ("I cannot evaluate this.", None),
    ],
)
def test_one_verdict_is_read_or_is_none(text: str, met: bool | None) -> None:
    found = read_verdict(text)
    assert (found.met if found else None) is met


@pytest.mark.parametrize(
    "text",
    [
        '{"criteria": [{"id": "a", "met": true}, {"id": "b", "met": false}]}',
        '[{"id": "a", "met": true}, {"id": "b", "met": false}]',
        '{"results": [{"criterion_id": "b", "verdict": "UNMET"}, {"id": "a", "verdict": "MET"}]}',
        '[{"verdict": "MET"}, {"verdict": "UNMET"}]',
        '{"a": true, "b": false}',
        'Here:\n```\n[{"id": "a", "score": 1}, {"id": "b", "score": -1}]\n```',
    ],
)
def test_several_verdicts_are_read_from_any_shape(text: str) -> None:
    found = {id: one.met for id, one in read_verdicts(text, ["a", "b"]).items()}
    assert found == {"a": True, "b": False}


def test_a_criterion_with_two_different_verdicts_has_none() -> None:
    text = '[{"id": "a", "met": true}, {"id": "a", "met": false}, {"id": "b", "met": true}]'
    assert set(read_verdicts(text, ["a", "b"])) == {"b"}


def test_criteria_that_were_not_asked_about_are_left_out() -> None:
    assert read_verdicts('[{"id": "z", "met": true}]', ["a"]) == {}


@given(
    met=some.dictionaries(some.text("abcdef", min_size=1, max_size=4), some.booleans(), min_size=1),
    before=some.text(max_size=20),
)
def test_whatever_stands_around_it_a_list_of_verdicts_is_read(
    met: dict[str, bool], before: str
) -> None:
    rows = json.dumps([{"id": id, "met": one, "rationale": "{x} [y]"} for id, one in met.items()])
    plain = re.sub(r"[{}\[\]`]", " ", before)
    found = read_verdicts(f"{plain}\n{rows}\n", list(met))
    assert {id: one.met for id, one in found.items()} == met


@given(some.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    read_verdict(text)
    read_verdicts(text, ["a"])
