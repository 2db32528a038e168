"""`openrouter_metadata`, beside answers and beside errors."""

from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.openai.parse_request import run_request_from_chat
from langgraph_fusion.server.openai.protocol import ChatBody
from langgraph_fusion.server.openrouter.metadata import router_metadata, wants_metadata
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast
from tests.scripted import status
from tests.server.asking import PANEL, body
from tests.server.conftest import Serving
from tests.server.openai.test_responses import asking, on_the_wire
from tests.server.results import result

ASKS = {"X-OpenRouter-Metadata": "enabled"}


@pytest.mark.parametrize(
    ("headers", "run_request"),
    [
        ({"x-openrouter-metadata": "Enabled"}, True),
        ({"x-openrouter-experimental-metadata": "enabled"}, True),
        ({"x-openrouter-metadata": "disabled"}, False),
        ({"x-openrouter-metadata": "yes"}, False),
        ({}, False),
    ],
)
def test_metadata_is_sent_only_when_it_is_asked_for(
    headers: dict[str, str], run_request: bool
) -> None:
    assert wants_metadata(headers) is run_request


def test_metadata_names_what_was_asked_for_and_who_wrote() -> None:
    message = {"role": "user", "content": "Why?"}
    body = ChatBody.model_validate({"model": "openrouter/fusion", "messages": [message]})
    metadata = router_metadata(run_request_from_chat(body, ClientPolicy()), result())
    fields = "requested strategy region summary attempt is_byok endpoints"
    assert list(metadata) == fields.split()
    assert metadata["requested"] == "openrouter/fusion"
    assert metadata["strategy"] == "fusion"
    assert metadata["endpoints"]["total"] == 5
    selected = [one["model"] for one in metadata["endpoints"]["available"] if one["selected"]]
    assert selected == ["v/w"]


@pytest.mark.parametrize("headers", [ASKS, {}])
async def test_an_error_names_the_models_that_were_seated(
    serving: Serving, headers: dict[str, str]
) -> None:
    served = await serving(cast({one: status(401) for one in (A, B, C)}))
    asks: list[tuple[str, Any]] = [
        ("chat/completions", body()),
        ("responses", {"model": "fusion", "input": "What is it?", "fusion": PANEL}),
    ]
    async with httpx2.AsyncClient(timeout=60, headers=headers) as client:
        for path, asked in asks:
            response = await client.post(f"{served.url}/v1/{path}", json=asked)
            assert response.status_code == 502
            _check(response.json().get("openrouter_metadata"), headers, "fusion")


@pytest.mark.parametrize("headers", [ASKS, {}])
async def test_a_stream_that_fails_names_them_as_well(
    serving: Serving, headers: dict[str, str]
) -> None:
    served = await serving(cast({one: status(401).after(0.1) for one in (A, B, C)}))
    events = await on_the_wire(served, **asking(), headers=headers)
    assert events[-1]["type"] == "response.failed"
    metadata = events[-1]["response"].get("openrouter_metadata")
    _check(metadata, headers, "openrouter/fusion")
    async with httpx2.AsyncClient(timeout=60, headers=headers) as client:
        response = await client.post(f"{served.url}/v1/chat/completions", json=body(stream=True))
    assert response.status_code == 200
    assert response.text.count("openrouter_metadata") == len(headers)


@pytest.mark.parametrize("path", ["chat/completions", "responses"])
@pytest.mark.parametrize("headers", [ASKS, {}])
async def test_a_refusal_says_what_was_asked_for(
    serving: Serving, path: str, headers: dict[str, str]
) -> None:
    served = await serving(cast())
    asked = body() | {"input": "What is it?"}
    wrong: list[tuple[Any, int, str | None]] = [
        ({"fusion": PANEL | {"max_rounds": 99}}, 400, None),
        ({"temperature": 9}, 400, None),
        ({"model": "gpt-x", "fusion": {}}, 404, "invalid_model"),
    ]
    async with httpx2.AsyncClient(timeout=60, headers=headers) as client:
        for changes, status_code, reason in wrong:
            request = asked | changes
            response = await client.post(f"{served.url}/v1/{path}", json=request)
            assert response.status_code == status_code
            said = response.json()
            assert said["error"].get("failure_reason") == reason
            metadata = said.get("openrouter_metadata")
            assert (metadata is None) == (not headers)
            if metadata:
                assert metadata["requested"] == request["model"]
                assert metadata["strategy"] == "fusion"
                assert metadata["endpoints"] == {"total": 0, "available": []}
        nobody = await client.post(f"{served.url}/v1/{path}", content=b"{")
        assert "openrouter_metadata" not in nobody.json()


def _check(metadata: Any, headers: dict[str, str], requested: str) -> None:
    if not headers:
        assert metadata is None
        return
    assert metadata["requested"] == requested
    assert metadata["summary"] == "panel=3, no answer: all_panels_failed"
    named = [one["model"] for one in metadata["endpoints"]["available"]]
    assert named == [A, B, C, JUDGE, WRITER]
    assert not any(one["selected"] for one in metadata["endpoints"]["available"])
