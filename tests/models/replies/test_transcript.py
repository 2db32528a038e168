from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langgraph_fusion.models.replies.transcript import call_ids, make_ids_unique
from tests.models.scripted_models import vllm
from tests.scripted import Seen, scripted_server, status, text


def call(id: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}


def result(id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": "x"}


@pytest.mark.parametrize(
    "ids",
    [
        [["a"], ["a"]],
        [["a", "a"]],
        [["", ""]],
        [[""], [""]],
        [["a", "b"], ["b", "a"], ["a"]],
        [["call_0"], [""], ["call_1"]],
        [["a", "a_1"], ["a"]],
    ],
)
def test_ids_are_unique_and_every_result_belongs_to_its_call(ids: list[list[str]]) -> None:
    messages: list[dict[str, Any]] = []
    for turn in ids:
        messages.append({"role": "assistant", "tool_calls": [call(id) for id in turn]})
        messages += [result(id) for id in turn]
    make_ids_unique(messages)
    called = [one["id"] for message in messages for one in message.get("tool_calls", ())]
    answered = [one["tool_call_id"] for one in messages if one["role"] == "tool"]
    assert len(set(called)) == len(called) == sum(map(len, ids))
    assert answered == called
    assert all(called)


def test_the_ids_of_a_conversation_are_known() -> None:
    asked = AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "a"}])
    assert call_ids([asked, ToolMessage("x", tool_call_id="b")]) == {"a", "b"}


SIGNED = {"extra_content": {"google": {"thought_signature": "c2ln"}}}


def replied(**message: Any) -> Any:
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return status(200, body={"choices": [choice]})


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_a_server_gets_back_what_it_sent_under_the_name_it_used(name: str) -> None:
    first = {**call("c1"), **SIGNED}
    first["function"] = {**first["function"], "thought": "t"}

    def script(seen: Seen) -> Any:
        if seen.number == 0:
            return replied(content=None, tool_calls=[first], **{name: "I search."}, **SIGNED)
        return text("Yes.")

    async with scripted_server(script) as server:
        model = vllm(server.base_url)
        said = await model.ainvoke("Why?")
        assert isinstance(said, AIMessage)
        told: list[BaseMessage] = [HumanMessage("Why?"), said, ToolMessage("x", tool_call_id="c1")]
        await model.ainvoke(told)
        said.response_metadata["asked_models"] = ["another"]
        await model.ainvoke(told)
    mine, others = (seen.messages[1] for seen in server.requests[1:])
    assert mine[name] == "I search."
    assert mine["extra_content"] == SIGNED["extra_content"]
    assert mine["tool_calls"][0]["extra_content"] == SIGNED["extra_content"]
    assert mine["tool_calls"][0]["function"]["thought"] == "t"
    assert "I search." not in str(others)
    assert "c2ln" not in str(others)


async def test_a_call_whose_id_the_conversation_has_already_gets_another() -> None:
    async with scripted_server(lambda seen: replied(tool_calls=[call("c1"), call("")])) as server:
        model = vllm(server.base_url)
        first = await model.ainvoke("Why?")
        assert isinstance(first, AIMessage)
        results = [ToolMessage("x", tool_call_id=str(one["id"])) for one in first.tool_calls]
        second = await model.ainvoke([HumanMessage("Why?"), first, *results])
        assert isinstance(second, AIMessage)
    ids = [one["id"] for message in (first, second) for one in message.tool_calls]
    assert ids[0] == "c1"
    assert len(set(ids)) == 4
