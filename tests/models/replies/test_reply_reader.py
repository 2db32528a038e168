"""Replies of every odd shape, and what is made of them."""

import json
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.utils import message_chunk_to_message

from langgraph_fusion.models.answer_text import text_of, verdict_on
from langgraph_fusion.models.errors import BadResponse, UpstreamError
from langgraph_fusion.models.faults import Fault, fault_of
from langgraph_fusion.models.providers import ModelRef
from langgraph_fusion.models.replies.event_stream import DONE, LOST
from langgraph_fusion.models.replies.held_thoughts import HeldThoughts
from langgraph_fusion.models.replies.reply_reader import ReplyReader
from langgraph_fusion.models.usage import usage_of

REF = ModelRef("openrouter", "vendor/unlisted")
USAGE: dict[str, Any] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
ARGS = {"query": "nests"}


def message_of(
    values: Sequence[Any], *, done: bool = True, taken: Sequence[str] = (), tools: Any = None
) -> AIMessage:
    reader = ReplyReader("m", taken, tools)
    chunks = [chunk for value in values for chunk in reader.read([value])]
    chunks.append(reader.end(done))
    whole = message_chunk_to_message(add_ai_message_chunks(chunks[0], *chunks[1:]))
    assert isinstance(whole, AIMessage)
    return whole


def whole(message: Any, finish: Any = "stop", **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


def delta(said: Any, finish: Any = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": said, "finish_reason": finish}], **more}


A, B, END = delta({"content": "214 "}), delta({"content": "nests"}), delta({}, "stop")


@pytest.mark.parametrize(
    "values",
    [
        [A, B, END],
        [{"choices": None}, A, B, END],
        [{"id": "x"}, A, B, END],
        [{"choices": [], "prompt_filter_results": [{}]}, A, B, END],
        [A, delta(None), B, delta(None, "stop")],
        [A, B, {"choices": [{"index": 0, "finish_reason": "stop"}]}],
        [None, [], "keep-alive", 5, {"type": "ping"}, {}, A, [1], B, END],
        [delta({"role": "", "content": "214 "}), delta({"role": "model", "content": "nests"}), END],
        [A, B, whole({"content": "214 nests"}, usage=USAGE)],
        [A, delta({"content": "nests"}, "stop"), END, END],
        [A, LOST, B, END, DONE],
        [A, B, END, LOST, DONE],
        [{"choices": [{"delta": {"content": "214 "}}, {"index": 1, "delta": {"content": "x"}}]},
         {"choices": [{"index": None, "delta": {"content": "nests"}}]}, END],
        [A, delta({"content": "nests", "tool_calls": None, "function_call": None}), END],
        [delta({"content": [{"type": "text", "text": "214 "}]}), B, END],
        [delta({"content": "", "reasoning_content": "hm"}), A, B, END],
        [whole({"content": "214 nests"})],
        [whole({"content": [{"type": "text", "text": "214 "}, "nests"]})],
        [whole({"content": {"text": "214 nests"}})],
        [whole({"content": "214 nests"}, None)],
        [{"choices": [{"text": "214 nests", "finish_reason": "stop"}]}],
    ],
)  # fmt: skip
def test_a_reply_of_any_shape_is_read(values: list[Any]) -> None:
    message = message_of(values)
    assert text_of(message) == "214 nests"
    assert verdict_on(message) is None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (42, "42"),
        ({"consensus": []}, '{"consensus": []}'),
        ([{"type": "image_url", "image_url": {}}, {"type": "text", "text": "x"}], "x"),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"text": "x"}], "x"),
        ([None, "x"], "x"),
        (True, "true"),
    ],
)
def test_content_that_is_no_text_becomes_one(content: Any, text: str) -> None:
    assert text_of(message_of([whole({"content": content})])) == text


def test_json_that_a_server_took_for_thinking_is_the_reply() -> None:
    thought = {"content": None, "reasoning_content": '{"consensus": []}'}
    assert text_of(message_of([whole(thought)])) == '{"consensus": []}'
    assert text_of(message_of([whole({"content": None, "parsed": {"a": 1}})])) == '{"a": 1}'
    prose = message_of([whole({"content": None, "reasoning_content": "I think so."})])
    assert (verdict_on(prose) or 0) != 0


@pytest.mark.parametrize(
    ("values", "done"),
    [
        ([A], False),
        ([A, B], False),
        ([A, delta({"content": "nests"}, ""), None], False),
        ([A, LOST, B, DONE], True),
        ([A, LOST, B, {"choices": [], "usage": USAGE}, DONE], True),
        ([A, [], B, DONE], True),
        ([A, B, LOST, DONE], True),
        ([A, delta({}, "network_error")], True),
        ([A, delta({}, "abort")], True),
        ([A, delta({}, "OTHER"), {"choices": [], "usage": USAGE}], True),
        ([whole({"content": "The colony had"}, "insufficient_system_resource")], True),
        ([whole({"tool_calls": [{"function": {"name": "x"}}]}, "malformed_function_call")], True),
        ([], False),
        ([{}], True),
        ([{"choices": None, "usage": USAGE}], True),
        ([{"choices": ["text"]}], True),
    ],
)
def test_a_reply_that_was_broken_off_is_a_fault_that_is_retried(
    values: list[Any], done: bool
) -> None:
    try:
        fault = verdict_on(message_of(values, done=done))
    except BadResponse as error:
        fault = fault_of(error)
    assert fault is not None
    assert (fault.reason, fault.retryable) == ("bad_response", True)


@pytest.mark.parametrize(
    ("values", "done"),
    [
        ([A, B], True),
        ([A, B, DONE], True),
        ([A, B, {"choices": [], "usage": USAGE}], False),
        ([A, B, END], False),
        ([A, delta({"content": "nests"}, "eos")], False),
    ],
)
def test_one_sign_of_a_good_end_is_enough(values: list[Any], done: bool) -> None:
    message = message_of(values, done=done)
    assert (text_of(message), verdict_on(message)) == ("214 nests", None)


@pytest.mark.parametrize(
    "value",
    [
        {"error": "rate limit exceeded"},
        {"error": {"message": "rate limit exceeded", "code": None, "metadata": ["x"]}},
        {"error": {"message": "rate limit exceeded", "metadata": "raw"}},
        {"detail": "rate limit exceeded"},
        {"object": "error", "message": "rate limit exceeded"},
        {"errors": [{"msg": "rate limit exceeded"}]},
        {"choices": [{"delta": {}, "error": {"message": "rate limit exceeded"}}]},
        {"choices": [{"delta": {}, "error": "rate limit exceeded", "finish_reason": "error"}]},
    ],
)
def test_an_error_in_the_place_of_a_reply_is_said(value: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError, match="rate limit exceeded"):
        message_of([A, value])


PLAIN = {"name": "search", "arguments": '{"query": "nests"}'}
CALL = {"id": "w1", "type": "function", "function": PLAIN}
HALF = [{"name": "search", "arguments": '{"query": '}, {"arguments": '"nests"}'}]


def calls(*said: Any) -> dict[str, Any]:
    return whole({"content": None, "tool_calls": list(said)}, "tool_calls")


def piece(**said: Any) -> dict[str, Any]:
    return delta({"tool_calls": [said]})


@pytest.mark.parametrize(
    "values",
    [
        [calls(CALL)],
        [calls(CALL | {"function": {"name": "search", "arguments": ARGS}})],
        [calls(CALL | {"function": {"name": "search", "arguments": [ARGS]}})],
        [calls(CALL | {"function": {"name": "search", "parameters": ARGS}})],
        [calls(CALL | {"function": {"name": "search</arg_value>", "arguments": ARGS}})],
        [calls(CALL | {"id": None})],
        [calls(CALL | {"id": ""})],
        [calls(CALL | {"id": 7, "type": None, "index": "x"})],
        [calls(None, "x", {}, CALL)],
        [calls({"function": PLAIN})],
        [calls({"id": "w1", **PLAIN})],
        [whole({"content": "", "tool_calls": [CALL]}, "stop")],
        [whole({"function_call": PLAIN}, "function_call")],
        [whole({"function_call": json.dumps(PLAIN)}, "function_call")],
        [whole({"tool_calls": CALL})],
        [whole({"tool_calls": PLAIN})],
        [whole({"tool_calls": {"0": CALL}})],
        [whole({"tool_calls": {"w1": CALL}})],
        [whole({"tool_calls": {"search": ARGS}})],
        [whole({"tool_calls": json.dumps(CALL)})],
        [whole({"tool_calls": json.dumps([CALL])})],
        [whole({"tool_calls": json.dumps([CALL])[:-1]})],
        [calls(json.dumps(CALL))],
        [calls(CALL | {"function": json.dumps(PLAIN)})],
        [calls({"function": json.dumps(PLAIN)})],
        [calls({"id": "w1", "function": "search", "arguments": ARGS})],
        [calls({"id": "w1", "name": "search", "function": {"arguments": ARGS}})],
        [delta({"tool_calls": json.dumps([CALL])[:30]}),
         delta({"tool_calls": json.dumps([CALL])[30:]}, "tool_calls")],
        [delta({"tool_calls": {"index": 0, "id": "w1", "function": HALF[0]}}),
         delta({"tool_calls": {"index": 0, "function": HALF[1]}}, "tool_calls")],
        [piece(index=0, id="w1", function=HALF[0]), piece(index=0, function=HALF[1])],
        [piece(index=1, id="w1", function=HALF[0]), piece(index=1, id="w1", function=HALF[1])],
        [piece(index="0", id="w1", function=HALF[0]), piece(index=0, id="", function=HALF[1])],
        [piece(id="w1", function=HALF[0]), piece(function=HALF[1])],
        [piece(index=0, id="w1", function=HALF[0]),
         piece(index=0, id=None, function=HALF[1] | {"name": None})],
        [piece(index=0, id="w1", function=HALF[0]),
         piece(index=0, id="w1", function=HALF[1] | {"name": "search"})],
        [piece(index=0, id="w1", function=HALF[0]),
         piece(index=0, id="", function=HALF[1] | {"name": ""})],
        [piece(index=0, id="w1", function={"name": "search", "arguments": None}),
         piece(index=0, function={"arguments": '{"query": "nests"}'})],
        [piece(index=0, id="w1", function={"name": "search", "arguments": ARGS})],
        [delta({"function_call": HALF[0]}), delta({"function_call": HALF[1]})],
    ],
)  # fmt: skip
def test_a_tool_call_of_any_shape_is_read(values: list[Any]) -> None:
    message = message_of(values)
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("search", ARGS)]
    assert message.tool_calls[0]["id"]
    assert not message.invalid_tool_calls


@pytest.mark.parametrize(
    "values",
    [
        [calls(CALL, CALL)],
        [calls(CALL | {"id": ""}, CALL | {"id": None})],
        [piece(index=0, id="a", function=PLAIN), piece(index=0, id="b", function=PLAIN)],
        [piece(id="a", function=PLAIN), piece(id="b", function=PLAIN)],
        [piece(function=PLAIN), piece(function=PLAIN)],
        [piece(index=0, id="a", function=PLAIN), piece(index=1, id="a", function=PLAIN)],
    ],
)
def test_calls_are_kept_apart_and_their_ids_are_unique(values: list[Any]) -> None:
    message = message_of(values, taken=["w1", "a"])
    assert [call["args"] for call in message.tool_calls] == [ARGS, ARGS]
    ids = [call["id"] for call in message.tool_calls]
    assert len({*ids, "w1", "a"}) == 4


def tool(name: str, *parameters: str, needs: Sequence[str] = ()) -> dict[str, Any]:
    schema = {"properties": {one: {} for one in parameters}, "required": list(needs)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TOOLS = [tool("search", "query", needs=["query"]), tool("open", "url", "page", needs=["url"])]


@pytest.mark.parametrize(
    ("said", "tools", "names"),
    [
        ([{"id": "w1", "function": {"arguments": ARGS}}], TOOLS, ["search"]),
        ([{"function": {"name": None, "arguments": json.dumps(ARGS)}}], TOOLS, ["search"]),
        ([{"function": {"name": "", "arguments": {"url": "x", "page": 2}}}], TOOLS, ["open"]),
        ([{"function": json.dumps({"arguments": ARGS})}], TOOLS, ["search"]),
        ([{"arguments": ARGS}, {"arguments": {"url": "x"}}], TOOLS, ["search", "open"]),
        ([{"arguments": ARGS}, PLAIN], TOOLS, ["search", "search"]),
        ([{"function": {"arguments": {"page": 2}}}], TOOLS, ["unnamed"]),
        ([{"function": {"arguments": ARGS}}], [*TOOLS, tool("find", "query")], ["unnamed"]),
        ([{"function": {"arguments": {"query": "x", "other": 1}}}], TOOLS, ["unnamed"]),
        ([{"function": {"arguments": ARGS}}], None, ["unnamed"]),
        ([{"function": {"arguments": ARGS}}], [None, {"function": 5}], ["unnamed"]),
        ([{"id": "w1", "type": "function", "function": {}}], TOOLS, ["unnamed"]),
        ([{}], TOOLS, ["unnamed"]),
    ],
)
def test_a_call_without_a_name_is_that_of_the_one_tool_it_fits(
    said: list[Any], tools: Any, names: list[str]
) -> None:
    message = message_of([calls(*said)], tools=tools)
    assert sorted(call["name"] for call in message.tool_calls) == sorted(names)
    assert all(call["id"] for call in message.tool_calls)
    assert verdict_on(message) is None


def test_an_empty_piece_of_a_call_makes_no_call_of_an_answer() -> None:
    empty = piece(index=0, function={"arguments": ""})
    message = message_of([A, empty, B, END], tools=TOOLS)
    assert (text_of(message), message.tool_calls) == ("214 nests", [])


@pytest.mark.parametrize("arguments", [None, "", "null", "5", [], "[]", "heron nests", {}])
def test_a_call_without_arguments_is_left_to_the_tool_to_refuse(arguments: Any) -> None:
    message = message_of([calls(CALL | {"function": {"name": "search", "arguments": arguments}})])
    assert [call["args"] for call in message.tool_calls] == [{}]


NO_COST: tuple[Any, ...] = (
    "", "n/a", -5, float("nan"), float("inf"), [], {}, True, 10**400, {"total_cost": -1},
)  # fmt: skip
NO_DETAILS: tuple[Any, ...] = ([], "n/a", 0, [{"modality": "TEXT"}], {"cached_tokens": "x"}, None)
NO_USAGE: tuple[Any, ...] = ({}, "n/a", [], 5, None)


@pytest.mark.parametrize(
    ("usage", "tokens", "cost"),
    [
        (USAGE | {"cost": 0.5}, (100, 20), 0.5),
        (USAGE | {"cost": {"input_tokens_cost": 0.1, "total_cost": 0.5}}, (100, 20), 0.5),
        (USAGE | {"cost": "0.5"}, (100, 20), 0.5),
        *((USAGE | {"cost": odd}, (100, 20), None) for odd in NO_COST),
        (USAGE | {"cost_details": {"upstream_inference_cost": -1}, "is_byok": True},
         (100, 20), None),
        ({"prompt_tokens": "100", "completion_tokens": 20.0}, (100, 20), None),
        ({"prompt_tokens": -100, "completion_tokens": None}, (None, None), None),
        *((USAGE | {"prompt_tokens_details": odd, "completion_tokens_details": odd},
           (100, 20), None)
          for odd in NO_DETAILS),
        *((odd, (None, None), None) for odd in NO_USAGE),
    ],
)  # fmt: skip
def test_an_odd_bill_never_costs_the_answer(
    usage: Any, tokens: tuple[int | None, int | None], cost: float | None
) -> None:
    for values in (
        [whole({"content": "x"}, usage=usage)],
        [A, END, {"choices": [], "usage": usage}],
    ):
        used = usage_of(message_of(values), REF)
        assert (used.input_tokens, used.output_tokens) == tokens
        assert used.cost_usd == cost
        json.dumps(used.__dict__, allow_nan=False)


def test_a_bill_that_grows_with_every_chunk_is_counted_once() -> None:
    chunks = [delta({"content": "x"}, usage=USAGE | {"completion_tokens": n}) for n in (1, 2, 20)]
    message = message_of([*chunks, END])
    assert usage_of(message, REF).output_tokens == 20
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] == 20


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["stop", "search", '{"query": "x"}', "w1", "error"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "choices", "delta", "message", "content", "tool_calls", "function", "name", "arguments",
            "id", "index", "finish_reason", "usage", "cost", "prompt_tokens", "error", "code",
            "metadata", "reasoning", "reasoning_details", "refusal", "text", "type", "thinking",
            "extra_content", "model", "provider", "prompt_tokens_details",
        ]),
        inner, max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(_JSON, max_size=4), st.booleans())
def test_nothing_a_server_sends_is_an_unexpected_error(values: list[Any], done: bool) -> None:
    fault: Fault | None
    try:
        message = message_of(values, done=done)
    except (UpstreamError, BadResponse) as error:
        fault = fault_of(error)
    else:
        fault = verdict_on(message)
        usage_of(message, REF)
        assert all(call["id"] and isinstance(call["args"], dict) for call in message.tool_calls)
    assert fault is None or fault.reason != "unexpected_error"


def test_reasoning_goes_back_in_the_blocks_it_came_in() -> None:
    details = [
        {"type": "reasoning.text", "text": "Let ", "index": 0, "format": "f", "signature": None},
        {"type": "reasoning.text", "text": "me.", "index": 0, "format": "f", "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "xyz", "index": 1},
        "odd",
        {"type": "reasoning.summary", "summary": "s"},
    ]
    chunks = [delta({"reasoning_details": [one]}) for one in details]
    assert message_of([*chunks, A, END]).additional_kwargs["reasoning_details"] == [
        {
            "type": "reasoning.text",
            "text": "Let me.",
            "index": 0,
            "format": "f",
            "signature": "sig",
        },
        {"type": "reasoning.encrypted", "data": "xyz", "index": 1},
        {"type": "reasoning.summary", "summary": "s"},
    ]


def test_values_that_come_together_are_one_piece_and_what_came_before_an_error_is_kept() -> None:
    reader, error = ReplyReader("m"), {"error": {"message": "overloaded"}}
    (piece,) = reader.read([A, B, delta({"reasoning": "hm"}), {"type": "ping"}])
    assert (piece.text, piece.additional_kwargs["reasoning_content"]) == ("214 nests", "hm")
    pieces = reader.read([A, error, B])
    assert next(pieces).text == "214 "
    with pytest.raises(UpstreamError, match="overloaded"):
        next(pieces)


LONG_CALL: dict[str, Any] = {
    "index": 0,
    "id": "c",
    "function": {"name": "look", "arguments": "x" * 999},
}


@pytest.mark.parametrize(
    "said",
    [
        {"content": "x" * 999},
        {"reasoning": "x" * 999},
        {"refusal": "x" * 999},
        {"tool_calls": [LONG_CALL]},
        {"tool_calls": "x" * 999},
        {"reasoning_details": [{"index": 0, "type": "reasoning.text", "text": "x" * 999}]},
    ],
    ids=lambda said: next(iter(said)),
)
def test_a_reply_without_end_is_given_up(said: Any) -> None:
    with pytest.raises(BadResponse, match="more than 4000000 characters"):
        list(ReplyReader("m").read(repeat(delta(said), 5000)))


def test_pieces_that_look_whole_again_and_again_are_not_parsed_for_ever() -> None:
    """Each piece ends like a whole object; to try each time would take minutes."""
    piece: dict[str, Any] = {
        "index": 0,
        "id": "c",
        "function": {"name": "look", "arguments": '{"a": {}} '},
    }
    text = {"tool_calls": '[{"name": "look"}] '}
    for said in ({"tool_calls": [piece]}, {"tool_calls": [piece | {"index": None}]}, text):
        message_of([delta(said)] * 20_000 + [END])


def test_thinking_reaches_langchain_in_two_pieces_and_whole() -> None:
    held, said = HeldThoughts(), [f"{number} " for number in range(100)]
    passed = [
        held.pass_on(AIMessageChunk(content="", additional_kwargs={"reasoning_content": one}))
        for one in said
    ]
    last = held.end(AIMessageChunk(content="done"))
    assert sum(one is not None for one in passed) == 1
    whole = add_ai_message_chunks(*[one for one in [*passed, last] if one is not None])
    assert whole.additional_kwargs == {"reasoning_content": "".join(said)}
