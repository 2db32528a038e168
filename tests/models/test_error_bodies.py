from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.models.error_bodies import codes_of, status_of, words_of
from langgraph_fusion.models.errors import UpstreamError
from langgraph_fusion.models.faults import REASONS, fault_of
from langgraph_fusion.models.text import clean_detail

LONG = "This model's maximum context length is 8192 tokens. You requested 20000 tokens."


@pytest.mark.parametrize(
    "body",
    [
        LONG,
        {"error": {"message": LONG, "type": "invalid_request_error"}},
        {"error": LONG},
        {"detail": LONG},
        {"detail": {"error": LONG}},
        {"object": "error", "message": LONG, "code": 400},
        {"errors": [{"message": LONG}]},
        {"errors": [LONG]},
        {"msg": LONG, "code": 400},
        [{"error": {"code": 400, "message": LONG, "status": "INVALID_ARGUMENT"}}],
        {"error": {"message": {"detail": [LONG]}}},
        {"error": {"errors": [{"reason": LONG}]}},
        {"error": {"message": "", "metadata": {"raw": LONG}}},
        {"Message": LONG},
        {"error_description": LONG},
        {"message": {"text": LONG}},
        {"message": [{"text": {"en": LONG}}]},
        {"error": {"code": 400, "info": {"explanation": LONG}}},
        {"error": {"a": {"b": {"c": {"d": {"e": {"f": [[{"g": LONG}]]}}}}}}},
    ],
)
def test_the_words_of_a_body_are_found_and_understood(body: Any) -> None:
    assert words_of(body) == LONG
    assert UpstreamError.from_body(body).args == (LONG,)
    request = httpx2.Request("POST", "http://x")
    response = httpx2.Response(400, json=body, request=request)
    client = openai.OpenAI(api_key="x", base_url="http://x")
    fault = fault_of(client._make_status_error_from_response(response))
    client.close()
    assert (fault.reason, fault.status_code, fault.detail) == ("context_too_long", 400, LONG)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": {"model": ["It does not exist."]}}, "model: It does not exist."),
        (
            {"errors": {"model": ["Not here."], "top_p": ["Too high.", "Not a number."]}},
            "model: Not here.; top_p: Too high.; top_p: Not a number.",
        ),
        ({"error": {"code": "x", "headers": {"a": "b c"}, "why": "Too full."}}, "Too full."),
        ({"errors": {f"field {n}": ["Is wrong."] for n in range(9000)}}, "; ".join(
            f"field {n}: Is wrong." for n in range(5))),
        ({"error": {"code": 5, "kind": "x"}}, ""),
    ],
)  # fmt: skip
def test_sentences_are_found_wherever_they_stand(body: Any, words: str) -> None:
    assert words_of(body) == words


def test_what_a_vendor_said_is_passed_on() -> None:
    body = {"message": "bad", "code": "429", "metadata": {"raw": "slow down", "provider_name": "V"}}
    assert (words_of(body), status_of(body)) == ("bad: slow down", 429)
    error = UpstreamError.from_body(body)
    assert (fault_of(error).reason, fault_of(error).upstream) == ("rate_limited", True)
    assert words_of({"message": "bad", "metadata": "slow down"}) == "bad: slow down"
    assert words_of({"detail": [{"loc": ["body", "x"], "msg": "bad"}]}) == "body.x: bad"


PROMPT = "This model's maximum context length is 4096 tokens."
MODEL = "The selected model is invalid."


@pytest.mark.parametrize(
    ("body", "words", "reason"),
    [
        ({"message": "The given data was invalid.", "errors": {"messages": [PROMPT]}},
         f"The given data was invalid.: messages: {PROMPT}", "context_too_long"),
        ({"message": "Invalid.", "errors": {"model": [MODEL, "Is required."], "x": "Is wrong."}},
         f"Invalid.: model: {MODEL}; Is required.; x: Is wrong.", None),
        ({"title": "Validation errors occurred.", "status": 400, "errors": {"Messages": [PROMPT]}},
         f"Validation errors occurred.: Messages: {PROMPT}", "context_too_long"),
        ({"error": {"message": "Invalid.", "errors": {"model": ["required"]}}},
         "Invalid.: model: required", None),
        ({"message": "Bad Request", "errors": [{"message": PROMPT}]},
         f"Bad Request: {PROMPT}", "context_too_long"),
        ({"message": MODEL, "errors": {"model": [MODEL]}}, f"{MODEL}: model: {MODEL}", None),
        ({"message": "Bad", "errors": {"model": []}}, "Bad", None),
        ({"message": "Bad", "errors": {"model": [None, 5, {}]}}, "Bad", None),
        ({"message": "Bad", "errors": None}, "Bad", None),
    ],
)  # fmt: skip
def test_a_general_message_does_not_hide_what_is_wrong_with_a_field(
    body: Any, words: str, reason: str | None
) -> None:
    assert words_of(body) == words
    response = httpx2.Response(422, request=httpx2.Request("POST", "http://x"))
    fault = fault_of(openai.APIStatusError("x", response=response, body=body))
    assert reason is None or fault.reason == reason
    assert clean_detail(words)[:60] in fault.detail


_BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["error", "message", "detail", "errors", "msg", "code", "type", "metadata",
                         "text", "other", "raw", "headers", "provider_name", "loc",
                         "X-RateLimit-Reset", "status"]),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


class Odd(RuntimeError):
    """An exception that cannot even be shown."""

    def __init__(self, body: Any) -> None:
        super().__init__(body)
        self.body = body
        self.status_code = body
        self.message = body
        self.response = body

    def __str__(self) -> str:
        raise ValueError("no words")


@given(_BODIES, st.sampled_from([400, 429, 500, 503, 599]))
def test_no_error_of_any_shape_makes_the_reading_of_errors_fail(body: Any, status: int) -> None:
    codes_of(body)
    request = httpx2.Request("POST", "http://x")
    response = httpx2.Response(status, request=request)
    errors = [
        UpstreamError.from_body(body),
        Odd(body),
        ValueError(body),
        openai.APIStatusError("x", response=response, body=body),
        openai.APIError("x", request=request, body=body),
    ]
    for error in errors:
        assert fault_of(error).reason in REASONS
