"""LangServe's own client against a running server, and its page in a real browser."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from langchain_core.messages import HumanMessage

from tests.browser import browser_page
from tests.graph.cast import JUDGE, PANEL, WRITER, A, cast
from tests.scripted import Reply, Seen, hang, status, text
from tests.server.conftest import Serving
from tests.server.mcp_clients import until
from tests.server.remote_runnable import remote_runnable

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LangServe calls what is old
CHOSEN: dict[str, Any] = {
    "panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER, "tools": [],
}  # fmt: skip
CONFIG: Any = {"configurable": CHOSEN}
IMAGE = {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}


def asked(question: str = "What is it?") -> Any:
    return {"messages": [HumanMessage(question)]}


async def test_remote_runnable_invokes_the_panel_with_its_settings(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    async with remote_runnable(served.url) as remote:
        out = await remote.ainvoke(asked(), config=CONFIG)
        assert out["messages"][-1].text == "It is 42."
        assert out["fusion"]["bill"]["total"]["cost_usd"] == pytest.approx(
            served.models.usage().cost
        )
        assert [one["model"] for one in out["fusion"]["panel"]] == [
            f"openrouter:{m}" for m in PANEL
        ]


async def test_remote_runnable_batches_streams_and_follows_the_run(serving: Serving) -> None:
    served = await serving(cast({A: lambda seen: text(f"echo {seen.last}")}, answer="It is 42."))
    async with remote_runnable(served.url) as remote:
        outs = await remote.abatch([asked("one?"), asked("two?")], config=CONFIG)
        assert [out["fusion"]["answers"][0]["text"] for out in outs] == ["echo one?", "echo two?"]

        chunks = [chunk async for chunk in remote.astream(asked(), config=CONFIG)]
        assert chunks[-1]["messages"][-1].text == "It is 42."

        events = [one async for one in remote.astream_events(asked(), config=CONFIG, version="v2")]
        names = {one["name"] for one in events}
        assert {"prepare", "member_A", "judge", "synthesizer", "check"} <= names
        assert "sk-or-secret-key" not in repr(events)


async def test_the_schemas_tell_what_may_be_sent_and_chosen(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=f"{served.url}/fusion", timeout=30) as client:
        given, back, config = [
            (await client.get(f"/{name}_schema")).json() for name in ("input", "output", "config")
        ]
    assert given["required"] == ["messages"]
    assert {"messages", "fusion"} == back["properties"].keys()
    fields = config["$defs"]["Configurable"]["properties"]
    assert fields["max_rounds"]["description"]
    assert fields["max_rounds"]["type"] == "integer"
    assert not {"docs", "sandbox", "allow_networks"} & fields.keys()
    assert '"null"' not in json.dumps(config), "the playground cannot draw it"


@pytest.mark.parametrize("endpoint", ["invoke", "stream", "stream_events"])
async def test_wrong_settings_are_refused_before_anything_is_sent(
    endpoint: str, serving: Serving
) -> None:
    served = await serving(cast())
    body = _body(max_rounds=7)
    async with httpx2.AsyncClient(base_url=f"{served.url}/fusion", timeout=30) as client:
        answered = await client.post(f"/{endpoint}", json=body)
    assert answered.status_code == 400
    assert answered.json()["error"]["param"] == "max_rounds"
    assert not served.models.requests


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("invoke", {"input": {"messages": [["human", "hi"]]}}),
        ("invoke", {"input": {"messages": []}}),
        ("invoke", {"input": {"messages": [{"type": "human", "content": " "}]}}),
        ("stream", {"input": {"messages": [{"type": "human", "content": []}]}}),
        ("stream_events", {"input": {"messages": [{"type": "human", "content": [IMAGE]}]}}),
        ("stream_log", {"input": {"messages": [{"type": "ai", "content": "So there."}]}}),
        ("stream", {"input": {"messages": [{"content": "Who says this?"}]}}),
        ("stream", {"input": {"messages": [["human", "hi"]]}}),
        ("batch", {"inputs": 5}),
        ("batch", {"inputs": [{"messages": [{"type": "human", "content": "?"}]}, {}]}),
    ],
)
async def test_input_of_the_wrong_form_is_the_clients_error(
    endpoint: str, body: Any, serving: Serving
) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=f"{served.url}/fusion", timeout=30) as client:
        answered = await client.post(f"/{endpoint}", json=body)
    assert answered.status_code == 400, answered.text
    assert answered.json()["error"]["type"] == "invalid_request_error"
    assert not served.models.requests


async def test_a_panel_that_fails_is_an_error_with_its_reason(serving: Serving) -> None:
    served = await serving(cast({model: status(402) for model in PANEL}))
    async with httpx2.AsyncClient(base_url=f"{served.url}/fusion", timeout=30) as client:
        answered = await client.post("/invoke", json=_body())
    assert answered.status_code == 402
    assert answered.json()["error"]["failure_reason"] == "insufficient_credits"


@pytest.mark.parametrize("endpoint", ["stream", "stream_events", "stream_log"])
async def test_a_stream_ends_with_the_reason_its_run_failed(
    endpoint: str, serving: Serving
) -> None:
    served = await serving(cast({model: status(402) for model in PANEL}))
    async with httpx2.AsyncClient(base_url=f"{served.url}/fusion", timeout=30) as client:
        sent = (await client.post(f"/{endpoint}", json=_body())).text
    [last] = [line for line in sent.partition("event: error")[2].splitlines() if "data:" in line]
    said = json.loads(last.removeprefix("data: "))
    assert said["status_code"] == 402
    assert "has no credit" in said["message"]
    assert said["error"]["failure_reason"] == "insufficient_credits"
    assert said["error"]["run_id"]
    assert "Internal Server Error" not in sent.partition("event: error")[2]
    assert "sk-or-secret-key" not in sent


async def test_remote_runnable_raises_the_reason_in_the_midst_of_a_stream(serving: Serving) -> None:
    served = await serving(cast({model: status(402) for model in PANEL}))
    async with remote_runnable(served.url) as remote:
        with pytest.raises(Exception, match="has no credit"):
            _ = [chunk async for chunk in remote.astream(asked(), config=CONFIG)]


async def test_a_fault_of_ours_in_a_stream_tells_nothing_of_it(serving: Serving) -> None:
    served = await serving(cast())
    served.state.manager.observers.append(None)
    async with httpx2.AsyncClient(base_url=f"{served.url}/fusion", timeout=30) as client:
        sent = (await client.post("/stream", json=_body())).text
    assert "the server failed unexpectedly; its log says how" in sent
    assert "attribute" not in sent


@pytest.mark.parametrize("endpoint", ["invoke", "stream", "stream_events"])
async def test_a_client_that_goes_away_stops_its_run(endpoint: str, serving: Serving) -> None:
    def endless(seen: Seen) -> Reply:
        return hang()

    served = await serving(endless)
    async with httpx2.AsyncClient(base_url=f"{served.url}/fusion", timeout=60) as client:
        call = asyncio.ensure_future(client.post(f"/{endpoint}", json=_body()))
        await until(lambda: served.models.in_flight == 3)
        call.cancel()
        await asyncio.wait({call})
    await until(lambda: served.models.in_flight == 0)
    await until(lambda: not served.state.manager.shutdown.runs)


async def test_lists_come_as_text_from_the_playground(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    body = _body(panel=f"{PANEL[0]}, {PANEL[1]}", tools="none", exclude="")
    async with httpx2.AsyncClient(base_url=f"{served.url}/fusion", timeout=30) as client:
        answered = await client.post("/invoke", json=body)
    result = answered.json()["output"]["fusion"]
    assert len(result["panel"]) == 2


async def test_the_playground_shows_its_form_in_a_browser(serving: Serving, tmp_path: Path) -> None:
    served = await serving(cast())
    async with browser_page(f"{served.url}/fusion/playground/", tmp_path) as page:
        shown = await page.until("Start")
        for part in ("Playground", "Configure", "MAX ROUNDS", "Try it", "MESSAGES"):
            assert part in shown
        assert "sk-or-secret-key" not in shown
        tops = "[...document.querySelectorAll('h2')].map(h => [h.innerText, h.offsetTop])"
        places = dict(await page.run(f"Object.fromEntries({tops})"))
        assert places["Try it"] < places["Configure"], "the question comes first"


def _body(**chosen: Any) -> dict[str, Any]:
    message = {"type": "human", "content": "What is it?"}
    return {"input": {"messages": [message]}, "config": {"configurable": CHOSEN | chosen}}


async def test_settings_packed_into_the_path_are_not_served(serving: Serving) -> None:
    served = await serving(cast())
    paths = [route.path for route in served.app.routes if hasattr(route, "path")]
    assert not [path for path in paths if "config_hash" in path]
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as http:
        for name in ("invoke", "batch", "stream", "stream_log", "stream_events"):
            packed = await http.post(f"/fusion/c/N4IgRg/{name}", json={"input": {"messages": []}})
            assert packed.status_code == 404
        for name in ("input_schema", "output_schema", "config_schema", "playground/"):
            assert (await http.get(f"/fusion/c/N4IgRg/{name}")).status_code == 404
