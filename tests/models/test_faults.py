import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import openai
import pytest

from langgraph_fusion.models.errors import BadResponse, MissingKey, UpstreamError
from langgraph_fusion.models.faults import Fault, fault_of
from langgraph_fusion.models.loopback import is_loopback
from langgraph_fusion.models.retry_after import retry_after_s
from tests.models.scripted_models import openrouter, vllm
from tests.scripted import Reply, garbage, scripted_server, status, upstream_error


async def fault_from(code: int, message: str, **more: Any) -> Fault:
    body = {"error": {"message": message, "code": code} | more}
    async with scripted_server(lambda seen: status(code, body=body)) as server:
        with pytest.raises(Exception) as caught:  # noqa: PT011  each client error has its own type
            await openrouter(server.base_url).ainvoke("Why?")
    return fault_of(caught.value)


@pytest.mark.parametrize(
    ("code", "message", "reason", "retryable"),
    [
        (400, "This endpoint's maximum context length is 8192 tokens", "context_too_long", False),
        (400, "vendor/nope is not a valid model ID", "invalid_model", False),
        (400, "Something about parameters", "upstream_error", False),
        (401, "No auth credentials found", "unauthorized", False),
        (402, "Insufficient credits", "insufficient_credits", False),
        (403, "Your region is not supported", "forbidden", False),
        (403, "Your input was flagged by moderation", "content_filter", False),
        (404, "No endpoints found for vendor/nope", "invalid_model", False),
        (408, "Request timed out", "timeout", True),
        (413, "Too large", "context_too_long", False),
        (429, "Rate limit exceeded", "rate_limited", True),
        (429, "You exceeded your quota: insufficient_quota", "insufficient_credits", False),
        (500, "Internal", "upstream_error", True),
        (503, "Overloaded", "upstream_error", True),
        (504, "Gateway timeout", "timeout", True),
    ],
)
async def test_a_status_has_a_reason(code: int, message: str, reason: str, retryable: bool) -> None:
    fault = await fault_from(code, message)
    assert (fault.reason, fault.status_code, fault.retryable) == (reason, code, retryable)
    assert fault.detail == message
    assert fault.switch


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (400, "This model's maximum context length is 8192 tokens. However, your messages ..."),
        (400, "Your input exceeds the context window of this model."),
        (400, "prompt is too long: 213462 tokens > 200000 maximum"),
        (400, "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"),
        (400, "The input token count (1196265) exceeds the maximum number of tokens allowed"),
        (400, "Input is too long for requested model."),
        (400, "This model's maximum prompt length is 131072 but the request contains more"),
        (400, "Please reduce the length of the messages or completion."),
        (400, "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768"),
        (400, "the request exceeds the available context size, try increasing it"),
        (400, "tokens to keep from the initial prompt is greater than the context length"),
        (400, "invalid params, context window exceeds limit"),
        (400, "Your request exceeded model token limit: 262144 (requested: 300001)"),
        (400, "prompt token count of 140000 exceeds the limit of 128000"),
        (413, "Request too large for model `x` on tokens per minute"),
        (500, "the request exceeds the available context size"),
    ],
    ids=[
        "openai", "openai responses", "anthropic", "anthropic output", "google", "bedrock", "xai",
        "groq", "mistral", "llama.cpp", "lm studio", "minimax", "kimi", "copilot", "groq 413",
        "llama.cpp 500",
    ],
)  # fmt: skip
async def test_every_providers_words_for_a_prompt_that_is_too_long(code: int, message: str) -> None:
    assert (await fault_from(code, message)).reason == "context_too_long"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (404, "No endpoints found that support tool use. To learn more, visit: ..."),
        (400, "registry.ollama.ai/library/gemma:7b does not support tools"),
        (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser'),
        (400, "`tool calling` is not supported with this model"),
        (400, "tools is not supported in this model"),
        (422, "This model does not support function calling"),
    ],
    ids=["openrouter", "ollama", "vllm", "groq", "openai", "others"],
)
async def test_a_model_without_tools_is_recognised(code: int, message: str) -> None:
    fault = await fault_from(code, message)
    assert (fault.reason, fault.retryable) == ("tools_unsupported", False)


@pytest.mark.parametrize(
    "message",
    [
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        "Anthropic expects the `tools=` param to be passed in when tool calls are in history",
    ],
    ids=["bedrock", "litellm"],
)
async def test_a_provider_that_insists_on_tools_is_recognised(message: str) -> None:
    assert (await fault_from(400, message)).reason == "tools_required"


async def test_a_provider_without_tool_choice_is_recognised() -> None:
    said = "No endpoints found that support the provided 'tool_choice' value. To learn more ..."
    assert (await fault_from(404, said)).reason == "tool_choice_unsupported"


async def test_a_router_that_passes_on_one_vendors_limit_says_so() -> None:
    behind = await fault_from(429, "Provider returned error", metadata={"provider_name": "Fast"})
    own = await fault_from(429, "Rate limit exceeded: free-models-per-min")
    assert (behind.upstream, own.upstream) == (True, False)


async def test_what_the_provider_behind_openrouter_said_is_part_of_the_detail() -> None:
    fault = await fault_from(502, "Provider returned error", metadata={"raw": "out of memory"})
    assert fault.detail == "Provider returned error: out of memory"


async def test_a_port_where_nobody_listens_is_a_connection_fault() -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        await openrouter("http://127.0.0.1:9/v1").ainvoke("Why?")
    fault = fault_of(caught.value)
    assert (fault.reason, fault.unsent) == ("connection", True)
    assert (fault.nobody_listens, fault.retryable) == (True, False)
    assert "127.0.0.1:9" in fault.detail
    assert "timed out" not in fault.detail


async def test_a_providers_own_error_is_told_from_a_gateways_page() -> None:
    async def reported(reply: Reply) -> bool:
        async with scripted_server(lambda seen: reply) as server:
            with pytest.raises(Exception) as caught:  # noqa: PT011
                await openrouter(server.base_url).ainvoke("Why?")
        fault = fault_of(caught.value)
        assert not fault.unsent
        return fault.reported

    assert await reported(status(503))
    assert await reported(upstream_error())
    assert not await reported(garbage(code=502))
    assert not await reported(garbage())


class OtherClientsError(Exception):
    """What Anthropic's, Groq's and others' clients raise looks like this."""

    def __init__(self, status_code: int, body: object) -> None:
        super().__init__(f"Error code: {status_code} - {body}")
        self.status_code, self.body = status_code, body


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "timeout"),
        (asyncio.CancelledError(), "cancelled"),
        (aiohttp.ServerDisconnectedError(), "connection"),
        (ConnectionResetError("reset by peer"), "connection"),
        (json.JSONDecodeError("Expecting value", "<html>", 0), "bad_response"),
        (BadResponse("no JSON"), "bad_response"),
        (UpstreamError("failed"), "upstream_error"),
        (UpstreamError("wait", status_code=429), "rate_limited"),
        (ValueError({"message": "Provider failed", "code": 503}), "upstream_error"),
        (ValueError({"message": "quota", "code": 429}), "rate_limited"),
        (ValueError("No generation chunks were returned"), "bad_response"),
        (ValueError("prompt is too long a variable name"), "unexpected_error"),
        (MissingKey("groq:x", "GROQ_API_KEY"), "invalid_model"),
        (OtherClientsError(529, {"error": {"message": "Overloaded"}}), "upstream_error"),
        (OtherClientsError(402, {"error": {"message": "Pay"}}), "insufficient_credits"),
        (KeyError("choices"), "unexpected_error"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_exception_has_a_reason(error: BaseException, reason: str) -> None:
    assert fault_of(error).reason == reason


def test_a_cancelled_call_is_neither_repeated_nor_given_to_another_model() -> None:
    fault = fault_of(asyncio.CancelledError())
    assert not fault.retryable
    assert not fault.switch


class Limited(Exception):
    def __init__(self, headers: dict[str, str], body: object = None) -> None:
        super().__init__("limited")
        self.response = type("Response", (), {"headers": headers})()
        self.body = body


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(Limited(headers)) == seconds


def test_a_retry_after_date_and_openrouters_reset_are_read() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=9), usegmt=True)
    assert retry_after_s(Limited({"retry-after": later}), now=now.timestamp()) == 9.0
    body = {"metadata": {"headers": {"X-RateLimit-Reset": str((now.timestamp() + 4) * 1000)}}}
    assert retry_after_s(Limited({}, body), now=now.timestamp()) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://127.0.0.1:9/v1", r"no connection to 127\.0\.0\.1:9 \(Connection refused\)"),
        ("https://127.0.0.1:9/v1", r"no connection to 127\.0\.0\.1:9 \(Connection refused\)"),
        ("http://nowhere.invalid/v1", r"no connection to nowhere\.invalid:80 \("),
    ],
)
async def test_a_refused_connection_is_no_timeout(address: str, said: str) -> None:
    with pytest.raises(openai.APIConnectionError) as caught:
        await vllm(address).ainvoke("Why?")
    fault = fault_of(caught.value)
    assert (fault.reason, fault.unsent) == ("connection", True)
    assert re.match(said, fault.detail)
    assert "address right?" in fault.detail
    assert fault.nobody_listens is ("127.0.0.1" in address)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("[::1]", True), ("localhost", True),
        ("LocalHost.", True), ("0.0.0.0", True), ("box.localhost", True), ("10.0.0.1", False),
        ("localhost.example.org", False), ("", False), ("::", True),
    ],
)  # fmt: skip
def test_the_addresses_of_this_machine_are_known(host: str, here: bool) -> None:
    assert is_loopback(host) is here
