"""What clients that nobody here wrote send and expect, over the wire."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.server.openai.stop import StopFilter, cut_at
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast
from tests.scripted import Seen, status, text, tool_calls
from tests.server.asking import MESSAGES, PANEL, body
from tests.server.conftest import Served, Serving

TOOL: Any = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}
QUESTION: Any = {"role": "user", "content": "What is it?"}
CHAT, RESPONSES = "chat/completions", "responses"


async def _post(served: Served, path: str, sent: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=60) as client:
        return await client.post(f"{served.url}/v1/{path}", json=sent)


def _responses(**further: Any) -> dict[str, Any]:
    return {"model": "fusion", "input": "What is it?", "fusion": PANEL} | further


async def _events(served: Served, sent: Any) -> list[dict[str, Any]]:
    response = await _post(served, RESPONSES, sent | {"stream": True})
    lines = [one for one in response.text.splitlines() if one.startswith("data: {")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def _calls(*ids: str) -> dict[str, Any]:
    function = {"name": "lookup", "arguments": '{"id": 7}'}
    calls = [{"id": id, "type": "function", "function": function} for id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _result(id: str, content: str = "42") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


# --- typed Responses clients ---------------------------------------------------------------------


async def test_responses_hold_openais_own_types_only(serving: Serving) -> None:
    served = await serving(cast({B: status(401)}))
    events = await _events(served, _responses())
    assert {event["type"].split(".")[0] for event in events} == {"response"}
    assert not [event for event in events if "fusion_call" in event["type"]]
    assert not [event for event in events if event.get("error")]
    assert [one["type"] for one in events[-1]["response"]["output"]] == ["message"]
    assert {event["output_index"] for event in events if "output_index" in event} == {0}
    assert events[-1]["response"]["fusion"]["failed_members"][0]["seat"] == "B"
    whole = (await _post(served, RESPONSES, _responses())).json()
    assert [one["type"] for one in whole["output"]] == ["message"]


@pytest.mark.parametrize(
    "asked_for",
    [
        {"model": "openrouter/fusion"},
        {"model": "~openrouter/fusion-flash"},
        {"model": WRITER, "plugins": [{"id": "fusion"}]},
        {"model": WRITER, "tools": [{"type": "openrouter:fusion"}]},
        {"fusion": PANEL | {"progress": True}},
    ],
)
async def test_the_deliberation_is_an_item_where_the_hosted_form_or_progress_asks_for_it(
    serving: Serving, asked_for: dict[str, Any]
) -> None:
    served = await serving(cast({B: status(401)}))
    events = await _events(served, _responses() | asked_for)
    output = events[-1]["response"]["output"]
    assert [one["type"] for one in output] == ["openrouter:fusion", "message"]
    (failed,) = [one for one in events if one["type"].endswith("panel.failed")]
    assert failed["message"]
    assert not [event for event in events if event.get("error")], "OpenAI's clients end at it"


async def test_counters_are_integers_where_nobody_reports_them(serving: Serving) -> None:
    served = await serving(cast())
    usage = (await _post(served, RESPONSES, _responses())).json()["usage"]
    assert isinstance(usage["input_tokens_details"]["cached_tokens"], int)
    assert isinstance(usage["output_tokens_details"]["reasoning_tokens"], int)


async def test_an_item_that_is_referred_to_by_id_is_found(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    first = (await _post(served, RESPONSES, _responses())).json()
    message = first["output"][-1]
    turns = [QUESTION, {"type": "item_reference", "id": message["id"]}, QUESTION]
    again = await _post(served, RESPONSES, _responses(input=turns))
    assert again.status_code == 200
    assert "It is 42." in str(served.models.seen_by(A)[-1].messages)


@pytest.mark.parametrize("store", [False, None])
async def test_a_reference_to_nothing_is_an_error_that_names_the_item(
    serving: Serving, store: bool | None
) -> None:
    served = await serving(cast())
    first = (await _post(served, RESPONSES, _responses(store=False))).json()
    id = first["output"][-1]["id"] if store is False else "msg_unknown"
    turns = [QUESTION, {"type": "item_reference", "id": id}, QUESTION]
    error = (await _post(served, RESPONSES, _responses(input=turns))).json()["error"]
    assert error["param"] == "input.1"
    assert id in error["message"]


# --- results of tools ----------------------------------------------------------------------------


def _looking_up(seen: Seen) -> Any:
    found = [message for message in seen.messages if message["role"] == "tool"]
    return text(f"It is {found[-1]['content']}.") if found else tool_calls([("lookup", {"id": 7})])


@pytest.mark.parametrize("runs", [None, "kept"])
async def test_results_are_taken_whatever_changed_before_them(
    serving: Serving, tmp_path: Path, runs: str | None
) -> None:
    place = str(tmp_path / "runs.db") if runs else None
    served = await serving(cast({WRITER: _looking_up}), runs=place)
    first = (await _post(served, CHAT, body(tools=[TOOL]))).json()["choices"][0]["message"]
    (call,) = first["tool_calls"]
    system = {"role": "system", "content": "You are another agent now."}
    for turns in (
        [QUESTION, first, _result(call["id"])],
        [system, QUESTION, first, _result(call["id"])],
        [{"role": "user", "content": "Something else?"}, first, _result(call["id"])],
        [QUESTION, _calls("toolu_1", "x"), _result("toolu_1"), _result("x")],
        [QUESTION, _calls("call_0123456789ab_1"), _result("call_0123456789ab_1")],
    ):
        before = len(served.models.requests)
        reply = await _post(served, CHAT, body(tools=[TOOL], messages=turns))
        assert reply.status_code == 200, reply.text
        assert reply.json()["choices"][0]["message"]["content"] == "It is 42."
        assert [one.model for one in served.models.requests[before:]] == [WRITER]


async def test_a_client_may_have_results_of_no_kept_run_deliberated(serving: Serving) -> None:
    served = await serving(cast())
    turns = [QUESTION, _calls("x"), _result("x", "It rains in Oslo.")]
    fusion = PANEL | {"tool_results": "deliberate"}
    await _post(served, CHAT, body(tools=[TOOL], messages=turns, fusion=fusion))
    assert {seen.model for seen in served.models.requests} == {A, B, C, JUDGE, WRITER}
    for model in (A, B, C, JUDGE, WRITER):
        assert "It rains in Oslo." in str(served.models.seen_by(model)[0].messages)


async def test_results_before_the_last_user_message_reach_everybody(serving: Serving) -> None:
    served = await serving(cast())
    again = {"role": "user", "content": "And what does that mean?"}
    turns = [QUESTION, _calls("x"), _result("x", "It rains in Oslo."), again]
    reply = await _post(served, CHAT, body(messages=turns))
    assert reply.status_code == 200
    for model in (A, B, C, JUDGE, WRITER):
        shown = str(served.models.seen_by(model)[0].messages)
        assert "It rains in Oslo." in shown
        assert "lookup" in shown


# --- turns ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["synthesize", "direct"])
async def test_the_clients_system_prompt_is_a_system_message_of_the_writer(
    serving: Serving, mode: str
) -> None:
    served = await serving(cast())
    system = {"role": "system", "content": "Answer in Norwegian."}
    for turns in ([system, QUESTION], [QUESTION, system]):
        fusion = PANEL | {"mode": mode}
        reply = await _post(served, CHAT, body(messages=turns, fusion=fusion))
        assert reply.status_code == 200
        sent = served.models.seen_by(WRITER)[-1].messages
        assert "Answer in Norwegian." in [m["content"] for m in sent if m["role"] == "system"]


async def test_a_lone_system_message_is_the_question(serving: Serving) -> None:
    served = await serving(cast())
    turns = [{"role": "system", "content": "Give a title for: heat pumps."}]
    for limit in (1, 5, 16):
        reply = await _post(served, CHAT, body(messages=turns, max_tokens=limit))
        assert reply.status_code == 200
    error = (await _post(served, CHAT, body(messages=turns, max_tokens=-1))).json()["error"]
    assert error["param"] == "max_tokens"


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


@pytest.mark.parametrize(
    "further",
    [
        [_said("assistant", "I run ls."), _said("system", "It printed: a.txt")],
        [
            _said("assistant", "I run ls."),
            _said("system", "It printed: a.txt"),
            _said("assistant", "I run cat."),
            _said("system", "It printed: hello"),
        ],
        [
            _said("assistant", "I run ls and cat."),
            _said("system", "It printed: a.txt"),
            _said("developer", "It printed: hello"),
        ],
    ],
)
async def test_a_system_message_that_answers_the_assistant_is_a_turn(
    serving: Serving, further: list[dict[str, Any]]
) -> None:
    served = await serving(cast())
    turns = [_said("system", "Be brief."), QUESTION, *further]
    fusion = PANEL | {"mode": "direct"}
    for path, sent in ((CHAT, body(messages=turns)), (RESPONSES, _responses(input=turns))):
        reply = await _post(served, path, sent | {"fusion": fusion})
        assert reply.status_code == 200, reply.text
        messages = served.models.seen_by(WRITER)[-1].messages
        said = [(m["role"], m["content"]) for m in messages]
        reports = [one["content"] for one in further if one["role"] != "assistant"]
        assert [text for role, text in said if role == "user"][-len(reports) :] == reports
        assert ("system", "Be brief.") in said


async def test_a_rule_between_turns_stays_a_rule(serving: Serving) -> None:
    served = await serving(cast())
    turns = [QUESTION, _said("assistant", "42."), _said("system", "Be brief."), QUESTION]
    await _post(served, CHAT, body(messages=turns, fusion=PANEL | {"mode": "direct"}))
    messages = served.models.seen_by(WRITER)[-1].messages
    assert "Be brief." in [m["content"] for m in messages if m["role"] == "system"]


async def test_an_answer_that_was_begun_is_refused_by_its_role(serving: Serving) -> None:
    served = await serving(cast())
    turns = [QUESTION, {"role": "assistant", "content": "It is"}]
    for path, sent in ((CHAT, body(messages=turns)), (RESPONSES, _responses(input=turns))):
        reply = await _post(served, path, sent)
        assert reply.status_code == 400
        assert "`assistant`" in reply.json()["error"]["message"]
    assert not served.models.requests


@pytest.mark.parametrize(
    ("path", "changes", "param", "named"),
    [
        (CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         "messages.0.content.0", "https address"),
        (CHAT, {"messages": [QUESTION, {"role": "user", "content": [{"type": "file"}]}]},
         "messages.1.content.0", "file_data"),
        (CHAT, {"messages": [{"role": "user", "content": [
            {"type": "file", "file": {"file_id": "file-1"}}]}]},
         "messages.0.content.0", "`file_id`"),
        (RESPONSES, {"input": [{"role": "user", "content": [
            {"type": "input_file", "file_id": "file-1"}]}]}, "input.0.content.0", "`file_id`"),
        (CHAT, {"messages": [{"role": "system", "content": [
            {"type": "file", "file": {"file_data": "aGk="}}]}, QUESTION]},
         "messages.0", "`system`"),
        (CHAT, {"messages": [{"role": "user", "content": 5}]}, "messages.0.content", "write text"),
        (RESPONSES, {"input": [{"type": "computer_call"}]}, "input.0", "'computer_call'"),
        (RESPONSES, {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
         "input.0.content.0", "https address"),
        (RESPONSES, {"input": [{"role": "user", "content": [
            {"type": "input_image", "file_id": "file-1"}]}]}, "input.0.content.0", "`file_id`"),
        (CHAT, {"messages": [{"role": "system", "content": [
            {"type": "image_url", "image_url": {"url": "https://a.org/x.png"}}]}, QUESTION]},
         "messages.0", "role `user`"),
        (CHAT, {"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]}]},
         "messages.0.content.0", "no image"),
        (CHAT, {"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]},
         "messages.0.content.0", "https address"),
        (RESPONSES, {"input": 7}, "input", "write text"),
        (CHAT, {"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name", ""),
        (RESPONSES, {"tools": [{"type": "function"}]}, "tools.0.name", ""),
        (CHAT, {"tool_choice": {"type": "function"}}, "tool_choice.function", ""),
        (CHAT, {"plugins": [{"id": "fusion", "nonsense": 1}]}, "plugins.0.nonsense", ""),
        (CHAT, {"n": 2}, "n", "one answer"),
        (CHAT, {"logprobs": True}, "logprobs", "log probabilities"),
        (RESPONSES, {"background": True}, "background", "keeps no runs"),
        (RESPONSES, {"conversation": "conv_1"}, "conversation", "previous_response_id"),
        (RESPONSES, {"conversation": {"id": "conv_1"}}, "conversation", "previous_response_id"),
        (RESPONSES, {"prompt": {"id": "pmpt_1"}}, "prompt", "instructions"),
        (CHAT, {"fusion": PANEL | {"usage": "mine"}}, "fusion.usage", "answer, run"),
        (CHAT, {"fusion": PANEL | {"tool_results": 1}}, "fusion.tool_results", "deliberate"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_named_as_the_client_wrote_it(
    serving: Serving, path: str, changes: dict[str, Any], param: str, named: str
) -> None:
    served = await serving(cast())
    sent = (body() if path == CHAT else _responses()) | changes
    reply = await _post(served, path, sent)
    error = reply.json()["error"]
    assert (reply.status_code, error["param"]) == (400, param), error
    assert named in error["message"]
    assert "as:" not in error["message"]
    assert not served.models.requests


@pytest.mark.parametrize("kind", ["web_search", "namespace", "file_search", "computer", "mcp"])
async def test_tools_that_the_provider_runs_are_left_out_with_a_note(
    serving: Serving, kind: str
) -> None:
    served = await serving(cast())
    tools = [{"type": kind, "name": "x", "tools": []}]
    for path, sent in ((CHAT, body(tools=tools)), (RESPONSES, _responses(tools=tools))):
        for choice in ("auto", {"type": kind}):
            reply = await _post(served, path, sent | {"tool_choice": choice})
            assert reply.status_code == 200, reply.text
            assert [one for one in reply.json()["fusion"]["notes"] if f"`{kind}`" in one]


# --- usage, errors, stop -------------------------------------------------------------------------


async def test_usage_of_a_chat_reply_is_the_writers_and_the_bill_is_the_runs(
    serving: Serving,
) -> None:
    served = await serving(cast())
    whole = served.models
    reply = (await _post(served, CHAT, body())).json()
    writer = [one for one in reply["fusion"]["bill"]["calls"] if one["stage"] == "synthesizer"]
    assert reply["usage"]["prompt_tokens"] == sum(one["input_tokens"] for one in writer)
    assert reply["fusion"]["bill"]["total"]["input_tokens"] == whole.usage().prompt_tokens
    assert reply["usage"]["cost"] == pytest.approx(whole.usage().cost)
    for form in ({"fusion": PANEL | {"usage": "run"}}, {"model": "openrouter/fusion"}):
        reply = (await _post(served, CHAT, body() | form)).json()
        total = reply["fusion"]["bill"]["total"]["input_tokens"]
        assert reply["usage"]["prompt_tokens"] == total


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
async def test_final_failures_are_not_to_be_repeated_and_carry_their_reasons(
    serving: Serving, path: str
) -> None:
    served = await serving(cast({one: status(401) for one in (A, B, C)}))
    sent = body() if path == CHAT else _responses()
    reply = await _post(served, path, sent)
    assert reply.status_code == 502
    assert reply.headers["x-should-retry"] == "false"
    assert len(reply.json()["error"]["failed_models"]) == 3
    streamed = await _post(served, path, sent | {"stream": True})
    for model in (A, B, C):
        assert model in streamed.text
    assert "all_panels_failed" in streamed.text


STOPS = st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=4)


@given(pieces=st.lists(st.text("ab\nc", max_size=6), max_size=12), stops=STOPS)
def test_a_stream_in_any_pieces_ends_where_the_whole_text_does(
    pieces: list[str], stops: list[str]
) -> None:
    stop = StopFilter(stops)
    sent = "".join(stop.feed(piece) for piece in pieces) + stop.end()
    assert sent == cut_at("".join(pieces), stops)


@pytest.mark.parametrize(("stop", "answer"), [
    ("END", "One. "), (["Two", "END"], "One. END "), ("nowhere", "One. END Two."), ([], None),
    (None, None),
])  # fmt: skip
async def test_stop_ends_the_answer_whole_and_streamed(
    serving: Serving, stop: Any, answer: str | None
) -> None:
    said = "One. END Two."
    answer = "One. " if isinstance(stop, list) and stop else answer
    served = await serving(cast({WRITER: text(said, pace=0.01)}))
    whole = (await _post(served, CHAT, body(stop=stop))).json()["choices"][0]
    assert whole["message"]["content"] == (said if answer is None else answer)
    assert whole["finish_reason"] == "stop"
    stream = await served.client.chat.completions.create(
        model="fusion", messages=MESSAGES, extra_body={"fusion": PANEL, "stop": stop}, stream=True
    )
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(pieces) == (said if answer is None else answer)
