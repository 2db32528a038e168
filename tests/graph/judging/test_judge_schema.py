"""The judge's schema names this run's seats and sources, and asks for less when all is too much."""

import jsonschema
import pytest

from langgraph_fusion.graph.judging.judge_schema import MOST_NAMES, Known, analysis_schema
from tests.graph.cast import JUDGE, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import in_turn, structured, text

KNOWN = Known(frozenset("AB"), frozenset({"A1", "B7"}))
BRIEF = {"consensus", "contradictions", "blind_spots", "best_answer"}


def brief(**given: object) -> dict[str, object]:
    return {"consensus": [], "contradictions": [], "blind_spots": [], "best_answer": None} | given


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        (brief(best_answer="A"), True),
        (brief(best_answer="C"), False),
        (brief(consensus=[{"claim": "x", "seats": ["A", "B"]}]), True),
        (brief(consensus=[{"claim": "x", "seats": ["Z"]}]), False),
        (brief(contradictions=[{"topic": "t", "stances": [{"seat": "B", "stance": "s"}]}]), True),
        (brief(contradictions=[{"topic": "t", "stances": [{"seat": "J", "stance": "s"}]}]), False),
        (brief(suspect_claims=[]), False),
    ],
)
def test_only_what_was_shown_can_be_named(found: dict[str, object], fits: bool) -> None:
    schema = analysis_schema(KNOWN, brief=True)
    assert jsonschema.Draft202012Validator(schema).is_valid(found) is fits


def test_sources_are_an_enum_and_left_out_where_there_are_none() -> None:
    consensus = analysis_schema(KNOWN)["$defs"]["Consensus"]["properties"]
    assert consensus["sources"]["items"] == {"$ref": "#/$defs/SourceId"}
    assert analysis_schema(KNOWN)["$defs"]["SourceId"]["enum"] == ["A1", "B7"]
    bare = analysis_schema(Known(frozenset("AB"), frozenset()))
    for part in bare["$defs"].values():
        assert "sources" not in part.get("properties", {})
        assert set(part.get("required", ())) == part.get("properties", {}).keys()
    many = Known(frozenset("A"), frozenset(f"A{n}" for n in range(MOST_NAMES + 1)))
    assert analysis_schema(many)["$defs"]["SourceId"] == {"type": "string"}


async def test_a_judge_that_fails_twice_is_asked_for_the_main_points(fuse: Fuse) -> None:
    judge = in_turn(text("Hm."), text("Well."), structured(brief(best_answer="B")))
    fused = await fuse(cast({JUDGE: judge}), settings())
    first, second, third = fused.server.seen_by(JUDGE)
    asked = [seen.body["response_format"]["json_schema"]["schema"] for seen in (first, third)]
    assert [one["properties"].keys() == BRIEF for one in asked] == [False, True]
    assert len(third.text) < len(second.text) / 2
    assert fused.result.analysis is not None
    assert fused.result.analysis.best_answer == "B"
    assert fused.result.degraded == ("judge_brief",)
