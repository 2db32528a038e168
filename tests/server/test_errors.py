"""Every error has OpenAI's shape and the status that tells a client what to do."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import WRITER, A, B, C, cast
from tests.scripted import hang, in_turn, status, text, tool_calls
from tests.server.asking import PANEL, body, until
from tests.server.conftest import Served, Serving


async def _post(served: Served, path: str = "chat/completions", **request: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=30) as client:
        return await client.post(f"{served.url}/v1/{path}", **request)


def _error(response: httpx2.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    assert {"message", "type", "param", "code"} <= error.keys()
    assert response.headers["x-request-id"].startswith("req_")
    return error


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "nobody", "content": "x"}]}, "messages.0.role"),
        ({"temperature": 9}, "temperature"),
        ({"stop": [1]}, "stop.0"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"fusion": PANEL | {"max_rounds": 99}}, "max_rounds"),
        ({"fusion": PANEL | {"nonsense": 1}}, "nonsense"),
        ({"fusion": PANEL | {"docs": "/etc"}}, "fusion.docs"),
        ({"fusion": {"preset": "none such"}}, "preset"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_wrong_with_a_request_is_named(
    serving: Serving, changes: Any, param: str, stream: bool
) -> None:
    served = await serving(cast())
    error = _error(await _post(served, json=body(stream=stream) | changes), 400)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert not served.models.requests


async def test_one_wrong_member_of_a_seat_is_one_line(serving: Serving) -> None:
    served = await serving(cast())
    seat = {"model": A, "temprature": 1}
    error = _error(await _post(served, json=body(fusion=PANEL | {"panel": [seat]})), 400)
    assert error["message"] == (
        "panel.0.temprature: there is no such setting; did you mean `temperature`?"
    )
    assert error["param"] == "panel.0.temprature"


async def test_a_question_without_text_is_a_400(serving: Serving) -> None:
    served = await serving(cast())
    request = body(messages=[{"role": "user", "content": " "}])
    assert _error(await _post(served, json=request), 400)["param"] == "messages"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
        ({"fusion": PANEL | {"search": "searxng"}}, "search"),
        ({"fusion": PANEL | {"budget_usd": 1e-9, "unknown_cost": "worst_case"}}, "budget_usd"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_wrong_is_said_at_once_however_many_wait(
    serving: Serving, changes: Any, param: str, stream: bool
) -> None:
    served = await serving(cast({A: hang()}), max_runs=1)
    async with httpx2.AsyncClient(timeout=30) as client:
        url = f"{served.url}/v1/chat/completions"
        busy = asyncio.create_task(client.post(url, json=body()))
        await until(lambda: len(served.models.requests) == 3)
        asked = len(served.models.requests)
        error = _error(await _post(served, json=body(stream=stream) | changes), 400)
        assert error["param"] == param
        assert served.state.manager.admission.waiting == 0
        assert len(served.models.requests) == asked
        busy.cancel()
        await asyncio.wait([busy])


async def test_a_body_that_is_no_json_object_is_a_400(serving: Serving) -> None:
    served = await serving(cast())
    for content in (b"{", b"[]", b"\xff"):
        headers = {"Content-Type": "application/json"}
        error = _error(await _post(served, content=content, headers=headers), 400)
        assert error["code"] == "invalid_json"


async def test_half_a_character_is_a_400(serving: Serving) -> None:
    served = await serving(cast())
    content = json.dumps(body(messages=[{"role": "user", "content": "\ud83e"}])).encode()
    headers = {"Content-Type": "application/json"}
    error = _error(await _post(served, content=content, headers=headers), 400)
    assert "surrogate" in error["message"]
    assert not served.models.requests


async def test_unknown_paths_methods_and_models_are_told_apart(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient() as client:
        nowhere = _error(await client.get(f"{served.url}/v1/nope"), 404)
        assert (nowhere["code"], "/docs" in nowhere["message"]) == ("not_found", True)
        wrong = await client.get(f"{served.url}/v1/chat/completions")
        assert _error(wrong, 405)["code"] == "method_not_allowed"
        assert "POST" in wrong.json()["error"]["message"]
        assert wrong.headers["allow"] == "POST"
    unknown = await _post(served, json={"model": "gpt-x", "messages": body()["messages"]})
    error = _error(unknown, 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")


async def test_a_body_over_the_limit_is_refused(serving: Serving) -> None:
    served = await serving(cast(), max_body_bytes=1000)
    long = body(messages=[{"role": "user", "content": "x" * 2000}])
    assert _error(await _post(served, json=long), 413)["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("replies", "code", "reason"),
    [
        (status(402), 402, "insufficient_credits"),
        (status(429, headers={"Retry-After": "90"}), 503, "rate_limited"),
        (status(400), 502, "all_panels_failed"),
        (hang(), 504, "timeout"),
    ],
)
async def test_a_failed_panel_has_the_status_of_its_reason(
    serving: Serving, replies: Any, code: int, reason: str
) -> None:
    served = await serving(cast({one: replies for one in (A, B, C)}))
    seats = [{"model": one, "timeout_s": 0.3} for one in (A, B, C)]
    response = await _post(served, json=body(fusion=PANEL | {"panel": seats, "deadline_s": 30}))
    error = _error(response, code)
    assert error["failure_reason"] == reason
    assert [one["model"] for one in error["failed_models"]] == [
        f"openrouter:{one}" for one in (A, B, C)
    ]
    assert "sk-or-secret-key" not in response.text


def _asked(path: str, **fusion: Any) -> Any:
    asked = body(fusion=PANEL | {"max_rounds": 0} | fusion)
    return asked if path == "chat/completions" else asked | {"input": "What is it?"}


DOORS = pytest.mark.parametrize("path", ["chat/completions", "responses"])


@DOORS
async def test_too_few_answers_are_a_quorum_that_was_not_met(serving: Serving, path: str) -> None:
    served = await serving(cast({A: status(402), B: status(404)}))
    error = _error(await _post(served, path, json=_asked(path, min_answers=2)), 502)
    assert error["failure_reason"] == error["code"] == "quorum_not_met"
    assert "fewer than 2" in error["message"]
    assert len(error["failed_models"]) == 2


@DOORS
async def test_a_cap_that_leaves_no_answer_is_402_and_names_the_budget(
    serving: Serving, path: str
) -> None:
    dear = tool_calls([("docs_search", {"query": "xyzzyx"})], cost=1.0)
    served = await serving(cast({A: dear}), policy=ClientPolicy(any_setting=True))
    spending = {"panel": [A], "budget_usd": 0.5, "unknown_cost": "ignore"}
    research = {"tools": ["docs"], "docs": "builtin:docs"}
    error = _error(await _post(served, path, json=_asked(path, **spending, **research)), 402)
    assert error["failure_reason"] == error["code"] == "budget_exceeded"
    assert error["type"] == "insufficient_quota"


@DOORS
async def test_a_cap_that_the_writer_alone_passes_is_402(serving: Serving, path: str) -> None:
    dear = in_turn(text("", cost=1.0), text("It is 42."))
    served = await serving(cast({WRITER: dear}))
    spending = {"mode": "direct", "budget_usd": 0.5, "unknown_cost": "ignore"}
    error = _error(await _post(served, path, json=_asked(path, **spending)), 402)
    assert error["failure_reason"] == error["code"] == "budget_exceeded"
    assert len(served.models.requests) == 1


@DOORS
async def test_a_failed_writer_without_a_panel_says_so(serving: Serving, path: str) -> None:
    served = await serving(cast({WRITER: status(400)}))
    error = _error(await _post(served, path, json=_asked(path, mode="direct")), 502)
    assert error["failure_reason"] == "synthesizer_failed"


async def test_a_deadline_that_comes_before_any_answer_is_a_504(serving: Serving) -> None:
    served = await serving(cast({one: hang() for one in (A, B, C)}))
    response = await _post(served, json=body(fusion=PANEL | {"deadline_s": 1}))
    assert _error(response, 504)["failure_reason"] in ("deadline", "timeout")
