"""An error names the field that the client sent, not the name of a setting of ours."""

import re
from typing import Any

import httpx2
import pytest

from tests.graph.cast import cast
from tests.server.asking import body
from tests.server.conftest import Served, Serving

OURS = re.compile(r"client_tools|\bas:|json_schema\.json_schema|discriminator|Tuple|extract fields")


def tool(name: str = "f", **function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **function}}


async def _refusal(served: Served, path: str, request: Any) -> tuple[str, str]:
    """The `param` and the message of a 400."""
    async with httpx2.AsyncClient(timeout=30) as client:
        response = await client.post(f"{served.url}/v1/{path}", json=request)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert not OURS.search(error["message"]), error["message"]
    return error["param"], error["message"]


@pytest.mark.parametrize(
    ("given", "param", "said"),
    [
        ({"response_format": {}}, "response_format", "text, json_object or json_schema"),
        ({"response_format": {"type": "xml"}}, "response_format", "text, json_object"),
        ({"response_format": "json"}, "response_format", "text, json_object or json_schema"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "required"),
        (
            {"response_format": {"type": "json_schema", "json_schema": "x"}},
            "response_format.json_schema",
            "write a JSON object",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
            "response_format.json_schema.schema",
            "required",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "x"}}}},
            "response_format",
            "no JSON schema: $.type",
        ),
        ({"tools": [tool(), tool()]}, "tools", "two tools have the same name"),
        ({"tools": [tool(f"f{n}") for n in range(129)]}, "tools", "at most 128 may be given"),
        ({"tools": [{"type": "function", "name": "f"}]}, "tools.0.function", "required"),
        ({"tools": ["f"]}, "tools.0", "write a JSON object"),
        ({"tools": [tool()], "tool_choice": tool("g")}, "tool_choice", "'g' is not among `tools`"),
        ({"messages": ["hello"]}, "messages.0", "write a JSON object"),
        ({"messages": [{"role": "user", "content": ["hello"]}]}, "messages.0.content.0", "object"),
    ],
)  # fmt: skip
async def test_a_chat_request_is_told_its_own_names(
    serving: Serving, given: Any, param: str, said: str
) -> None:
    served = await serving(cast())
    named, message = await _refusal(served, "chat/completions", body() | given)
    assert named == param
    assert said in message


@pytest.mark.parametrize(
    ("given", "param", "said"),
    [
        ({"text": {"format": {"type": "xml"}}}, "text.format", "text, json_object or json_schema"),
        ({"text": {"format": 5}}, "text.format", "text, json_object or json_schema"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema", "required"),
        (
            {"text": {"format": {"type": "json_schema", "schema": {"type": "x"}}}},
            "text.format",
            "no JSON schema: $.type",
        ),
        ({"text": 5}, "text", "write a JSON object"),
        ({"input": ""}, "input", "a user message with text"),
        ({"input": []}, "input", "a user message with text"),
        ({"input": ["hello"]}, "input.0", "write a JSON object"),
        ({"input": [{"role": "user", "content": " "}]}, "input", "a user message with text"),
        ({"input": [{"role": "assistant", "content": "Hm"}]}, "input", "role `assistant`"),
        ({"tools": [{"type": "function", "name": "f"}] * 2}, "tools", "the same name"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
async def test_a_responses_request_is_told_its_own_names(
    serving: Serving, given: Any, param: str, said: str, stream: bool
) -> None:
    served = await serving(cast())
    request = {"model": "fusion", "input": "Why?", "stream": stream} | given
    named, message = await _refusal(served, "responses", request)
    assert named == param
    assert message.startswith(f"{param}: ")
    assert said in message


async def test_bytes_that_are_no_utf8_are_said_to_be_so(serving: Serving) -> None:
    served = await serving(cast())
    sent = '{"model": "fusion", "messages": [{"role": "user", "content": "Gänse?"}]}'
    async with httpx2.AsyncClient(timeout=30) as client:
        response = await client.post(
            f"{served.url}/v1/chat/completions",
            content=sent.encode("latin-1"),
            headers={"Content-Type": "application/json"},
        )
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "body: it cannot be read; send JSON in UTF-8"
