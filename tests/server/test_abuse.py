"""Bodies that are made to cost more than they weigh."""

import json
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.response_format import WrongForm, check_form, parse_form
from langgraph_fusion.graph.settings import load_settings
from langgraph_fusion.server.langserve.input import Ask
from langgraph_fusion.server.openai.protocol import ChatBody, ResponsesBody
from tests.graph.cast import cast
from tests.server.asking import PANEL, body
from tests.server.conftest import Serving

MANY = 100_000
USER: dict[str, Any] = {"role": "user", "content": "x"}
CALL: Any = {"role": "assistant", "tool_calls": [1] * MANY}


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (ChatBody, {"model": "fusion", "messages": [1] * MANY}),
        (ChatBody, {"model": "fusion", "messages": [{}] * MANY}),
        (ChatBody, {"model": "fusion", "messages": [{"role": "user", "content": [1] * MANY}]}),
        (ChatBody, {"model": "fusion", "messages": [CALL]}),
        (ChatBody, {"model": "fusion", "messages": [USER], "tools": [1] * MANY}),
        (ChatBody, {"model": "fusion", "messages": [USER], "plugins": [1] * MANY}),
        (ChatBody, {"model": "fusion", "messages": [USER], "stop": [1] * MANY}),
        (ResponsesBody, {"model": "fusion", "input": [1] * MANY}),
        (ResponsesBody, {"model": "fusion", "input": [{"type": "x"}] * MANY}),
        (ResponsesBody, {"model": "fusion", "input": "x", "tools": [1] * MANY}),
        (
            ResponsesBody,
            {"model": "fusion", "input": "x", "metadata": {str(n): n for n in range(MANY)}},
        ),
        (Ask, {"messages": [1] * MANY}),
    ],
)
def test_one_wrong_entry_of_a_list_ends_the_search_for_others(model: Any, given: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(given)
    assert raised.value.error_count() == 1


def _doubling(keyword: str, depth: int) -> dict[str, Any]:
    """A schema of a few kilobytes whose references lead to 2 ** depth places."""
    twice = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(depth)}
    return {"$defs": twice | {f"d{depth}": {}}, "$ref": "#/$defs/d0"}


def test_a_part_that_names_its_schema_is_checked_within_the_same_limits() -> None:
    given = _doubling("allOf", 60)
    for part in given["$defs"].values():
        part["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    with pytest.raises(ValueError, match="takes too long"):
        check_form(_form(given))


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{}] * 24_000},
        {
            "$defs": {f"a{n}": {"$anchor": f"x{n}"} for n in range(1500)},
            "allOf": [{"$ref": f"#x{n}"} for n in range(1500)],
        },
    ],
)
def test_the_check_of_a_schema_itself_ends_in_time(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="takes too long"):
        check_form(_form(schema))


@pytest.mark.parametrize("answer", [[{"a": 1}, {"a": 1}], [1, 2, 1], [[], []]])
def test_items_that_are_not_unique_are_found(answer: Any) -> None:
    form = _form({"type": "array", "uniqueItems": True})
    with pytest.raises(WrongForm, match="not unique"):
        parse_form(json.dumps(answer), form)
    different = [{"a": n} for n in range(20_000)]
    assert json.loads(parse_form(json.dumps(different), form)) == different


def _form(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


@pytest.mark.parametrize("keyword", ["allOf", "oneOf"])
@pytest.mark.parametrize("depth", [30, 60])
async def test_a_schema_whose_references_double_is_refused_and_the_server_answers_on(
    serving: Serving, keyword: str, depth: int
) -> None:
    served = await serving(cast())
    sent = body(response_format=_form(_doubling(keyword, depth)))
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        for path in ("/v1/estimate", "/v1/chat/completions"):
            refused = await http.post(path, json=sent)
            assert refused.status_code == 400
            assert "takes too long" in refused.json()["error"]["message"]
            assert "_Too" not in refused.text
        assert (await http.get("/healthz")).status_code == 200
    assert not served.models.requests


async def test_a_schema_that_refers_to_itself_is_no_attack(serving: Serving) -> None:
    served = await serving(cast(answer='{"child": {"child": {}}}'))
    schema = {"type": "object", "properties": {"child": {"$ref": "#"}}}
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        reply = await http.post("/v1/chat/completions", json=body(response_format=_form(schema)))
    assert reply.json()["choices"][0]["message"]["content"] == '{"child": {"child": {}}}'


async def test_many_slow_patterns_share_the_time_of_one_check(serving: Serving) -> None:
    slow = {f"p{n}": {"type": "string", "pattern": f"^(a|a?)+{n}$"} for n in range(200)}
    answer = "{" + ", ".join(f'"{name}": "{"a" * 40}"' for name in slow) + "}"
    served = await serving(cast(answer=answer))
    schema = {"type": "object", "properties": slow}
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        reply = await http.post("/v1/chat/completions", json=body(response_format=_form(schema)))
        assert reply.status_code == 200
        assert "response_format" in reply.json()["fusion"]["degraded"]


@pytest.mark.parametrize("where", ["fusion", "panel"])
def test_thousands_of_unknown_settings_are_told_in_a_dozen_lines(where: str) -> None:
    unknown = {f"x{number}": 1 for number in range(20_000)}
    seat = {"model": PANEL["panel"][0]} | unknown
    given = unknown if where == "fusion" else {"panel": [seat]}
    with pytest.raises(ConfigError) as raised:
        load_settings({"preset": "offline"} | given)
    assert len(str(raised.value).splitlines()) <= 13


SEAT: dict[str, Any] = {"model": PANEL["panel"][0]}


@pytest.mark.parametrize(
    "setting",
    [
        {"exclude": ["a.example"] * MANY},
        {"exclude": ["a" * MANY]},
        {"allow_networks": ["10.0.0.0/8"] * MANY},
        {"tools": ["bash"] * MANY},
        {"panel": ["a/b"] * MANY},
        {"panel": ["a/b*8"] * MANY},
        {"panel": [SEAT | {"fallbacks": [f"x/{n}" for n in range(MANY)]}]},
        {"panel": [SEAT | {"fallbacks": ["x" * MANY]}]},
        {"panel": [SEAT | {"tools": ["bash"] * MANY}]},
        {"panel": [SEAT | {"extra": {"provider": ["x"] * MANY}}]},
        {"panel": ["x" * MANY]},
        {"judge": SEAT | {"fallbacks": [f"x/{n}" for n in range(9)]}},
        {"synthesizer": SEAT | {"extra": {"provider": "x" * MANY}}},
    ],
)
def test_no_list_of_settings_is_longer_than_it_can_mean(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings({"preset": "offline"} | setting)
    assert len(str(raised.value)) < 2000


TOOL: Any = {"type": "web_search"}
TEXT: Any = {"type": "text", "text": "x"}


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (ChatBody, {"messages": [USER] * MANY}),
        (ChatBody, {"messages": [USER], "fusion": {f"x{n}": n for n in range(MANY)}}),
        (ChatBody, {"messages": [{"role": "user", "content": [TEXT] * MANY}]}),
        (ChatBody, {"messages": [USER], "tools": [TOOL] * MANY}),
        (ChatBody, {"messages": [USER], "plugins": [{"id": "web"}] * MANY}),
        (ChatBody, {"messages": [USER], "stop": ["x" * MANY]}),
        (ChatBody, {"messages": [USER], "model": "x" * MANY}),
        (ResponsesBody, {"input": [USER] * MANY}),
        (ResponsesBody, {"input": "x", "tools": [TOOL] * MANY}),
        (ResponsesBody, {"input": "x", "metadata": {"a": "x" * MANY}}),
        (ResponsesBody, {"input": "x", "metadata": {"x" * MANY: "a"}}),
        (ResponsesBody, {"input": "x", "previous_response_id": "x" * MANY}),
    ],
)
def test_no_list_of_a_body_is_longer_than_it_can_mean(model: Any, given: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        model.model_validate({"model": "fusion"} | given)
    assert raised.value.error_count() == 1


@pytest.mark.parametrize(
    "further",
    [
        {"fusion": {"preset": "x" * MANY}},
        {"fusion": {"judge": "y" * MANY}},
        {"tool_choice": {"type": "function", "function": {"name": "x" * MANY}}},
    ],
)
async def test_an_error_repeats_little_of_what_was_sent(serving: Serving, further: Any) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        refused = await http.post("/v1/chat/completions", json=body(**further))
    assert refused.status_code == 400
    assert len(refused.content) < 10_000
