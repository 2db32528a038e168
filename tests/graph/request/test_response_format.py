"""The form of the answer: what counts as kept, and what a hostile schema cannot do."""

import json
from typing import Any

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.response_format import WrongForm, parse_form
from tests.graph.cast import JUDGE, WRITER, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, status, structured, text, tool_calls

SCHEMA = {
    "type": "object",
    "properties": {
        "number": {"type": "integer"},
        "unit": {"type": "string", "pattern": "^[a-z]+$"},
    },
    "required": ["number"],
    "additionalProperties": False,
}


def form(schema: Any = None) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema or SCHEMA}}


@pytest.mark.parametrize(
    "said",
    ['{"number": 42}', '```json\n{"number": 42}\n```', 'Here it is: {"number": 42}. Done.'],
)
def test_json_is_found_whatever_stands_around_it(said: str) -> None:
    assert json.loads(parse_form(said, form())) == {"number": 42}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("It is 42.", "not valid JSON"),
        ('{"number": ', "not valid JSON"),
        ('{"number": "42"}', r"\$\.number: '42' is not of type 'integer'"),
        ('{"unit": "KM"}', "'number' is a required property"),
        ('{"number": 1, "unit": "KM"}', "does not match"),
    ],
)
def test_what_is_wrong_is_named_exactly(said: str, error: str) -> None:
    with pytest.raises(WrongForm, match=error):
        parse_form(said, form())


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"$ref": {"type": "integer"}}},
        {"$defs": {"n": {"type": "integer"}}, "properties": {"$ref": {"$ref": "#/$defs/n"}}},
        {
            "$defs": {"n": {"$anchor": "here", "type": "integer"}},
            "properties": {"$ref": {"$ref": "#here"}},
        },
    ],
)
def test_a_member_may_be_named_like_a_keyword_and_references_may_point_to_anchors(
    schema: Any,
) -> None:
    assert settings(response_format=form(schema)).response_format
    with pytest.raises(WrongForm, match="not of type 'integer'"):
        parse_form('{"$ref": "x"}', form(schema))


def test_a_reference_that_leads_nowhere_below_an_id_is_said_of_the_answer() -> None:
    schema = {"$id": "urn:x", "properties": {"a": {"$ref": "#/$defs/none"}}}
    with pytest.raises(WrongForm, match="cannot be checked"):
        parse_form('{"a": 1}', form(schema))


def test_json_object_takes_any_object_and_nothing_else() -> None:
    assert parse_form('{"a": [1]}', {"type": "json_object"}) == '{"a": [1]}'
    with pytest.raises(WrongForm, match="one JSON object"):
        parse_form("[1]", {"type": "json_object"})


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"type": "yaml"}, "response_format"),
        ({"type": "json_schema"}, "schema is missing"),
        (form({"type": "nonsense"}), "no JSON schema"),
        (form({"$ref": "http://169.254.169.254/schema"}), "leads out of the schema"),
        (form({"$ref": "#/$defs/none"}), "cannot be used"),
        (form({"properties": {"a": {"$ref": "#/$defs/none"}}}), "cannot be used"),
        (form({"items": {"anyOf": [{}, {"$ref": "#nowhere"}]}}), "cannot be used"),
        (form({"properties": {"a": {"$ref": "#/properties/a/type/x"}}}), "cannot be used"),
        (form({"patternProperties": {"a": {}}}), "patternProperties"),
        (form({"description": "x" * 100_001}), "100000 characters"),
        (form({"$ref": "#"}), "cannot be used"),
    ],
)
def test_a_form_that_cannot_be_checked_is_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        settings(response_format=wrong)


def test_a_hostile_pattern_ends_in_time() -> None:
    with pytest.raises(WrongForm, match="too long to check"):
        parse_form(json.dumps("a" * 40 + "!"), form({"type": "string", "pattern": "^(a|aa)+$"}))


async def test_the_answer_is_json_of_the_schema_and_sources_stay_beside_it(
    fuse: Fuse, docs: str
) -> None:
    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return text("Three members [A1].")
        return tool_calls([("docs_search", {"query": "fusion panel"})])

    script = cast({"m/a": member, WRITER: text('{"number": 3, "unit": "members"}')})
    wanted = settings(response_format=form(), tools=["docs"], docs=docs)
    fused = await fuse(script, wanted)
    assert json.loads(fused.result.answer) == {"number": 3, "unit": "members"}
    assert fused.result.sources
    assert fused.result.degraded == ()
    seen = fused.server.seen_by(WRITER)[0]
    assert seen.body["response_format"] == form()
    assert json.dumps(SCHEMA["required"]) in seen.system
    assert [event["text"] for event in fused.told("writer.delta")] == [fused.result.answer]


async def test_a_wrong_form_is_sent_back_with_the_exact_errors(fuse: Fuse) -> None:
    replies = [text("It is 42."), structured({"number": "42"}), structured({"number": 42})]
    script = cast({WRITER: lambda _: replies.pop(0)})
    fused = await fuse(script, settings(response_format=form()))
    assert json.loads(fused.result.answer) == {"number": 42}
    first, second, third = fused.server.seen_by(WRITER)
    assert "not valid JSON" in second.last
    assert "is not of type 'integer'" in third.last
    assert third.messages[: len(second.messages)] == second.messages
    assert second.messages[: len(first.messages)] == first.messages
    assert fused.result.degraded == ()
    assert len(fused.told("writer.repair")) == 2
    assert [event["text"] for event in fused.told("writer.delta")] == ['{"number": 42}']


async def test_the_fallback_writer_takes_over_from_one_that_cannot(fuse: Fuse) -> None:
    seat = {"model": "w/prose", "fallbacks": [WRITER]}
    script = cast({"w/prose": text("It is 42."), WRITER: structured({"number": 42})})
    fused = await fuse(script, settings(response_format=form(), synthesizer=seat))
    assert json.loads(fused.result.answer) == {"number": 42}
    assert fused.result.written_by == f"openrouter:{WRITER}"
    assert len(fused.server.seen_by("w/prose")) == 3
    assert "synthesizer_switched" in fused.result.degraded


@pytest.mark.parametrize("mode", ["synthesize", "select", "direct"])
async def test_when_no_writer_can_the_result_says_so(fuse: Fuse, mode: str) -> None:
    fused = await fuse(cast(answer="It is 42."), settings(response_format=form(), mode=mode))
    assert fused.result.answer == "It is 42."
    assert "response_format" in fused.result.degraded
    assert len(fused.server.seen_by(WRITER)) == 3


async def test_a_writer_that_fails_in_a_repair_leaves_what_there_was(fuse: Fuse) -> None:
    replies = [text("It is 42.")]
    script = cast({WRITER: lambda _: replies.pop(0) if replies else status(401)})
    fused = await fuse(script, settings(response_format=form()))
    assert fused.result.answer == "It is 42."
    assert "response_format" in fused.result.degraded


async def test_a_provider_that_refuses_the_field_is_asked_in_words(fuse: Fuse) -> None:
    def writer(seen: Seen) -> Reply:
        return status(400) if seen.wants_json else structured({"number": 42})

    fused = await fuse(cast({WRITER: writer}), settings(response_format=form()))
    assert json.loads(fused.result.answer) == {"number": 42}


async def test_a_members_answer_in_place_of_the_writers_is_not_in_the_form(fuse: Fuse) -> None:
    fused = await fuse(cast({WRITER: status(401)}), settings(response_format=form()))
    assert "response_format" in fused.result.degraded
    assert JUDGE in {seen.model for seen in fused.server.requests}
