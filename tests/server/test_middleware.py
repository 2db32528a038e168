"""Pages of other sites cannot use a server that asks for no keys; with keys nobody can without."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from langchain_core.messages import HumanMessage

from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import JUDGE, PANEL, WRITER, cast
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Serving
from tests.server.mcp_clients import over_http, text_of
from tests.server.remote_runnable import remote_runnable

pytestmark = [
    pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute:DeprecationWarning"),
]
CHOSEN: dict[str, Any] = {
    "panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER, "tools": [],
}  # fmt: skip
MESSAGE = {"role": "user", "content": "What is it?"}
BODIES: dict[str, Any] = {
    "/v1/chat/completions": {"model": "fusion", "messages": [MESSAGE], "fusion": CHOSEN},
    "/v1/responses": {"model": "fusion", "input": "What is it?", "fusion": CHOSEN},
    "/fusion/invoke": {"input": {"messages": [{"type": "human", "content": "?"}]}},
    "/mcp": {"jsonrpc": "2.0", "id": 1, "method": "ping"},
}


@pytest.mark.parametrize("path", BODIES)
async def test_a_page_of_another_site_is_refused(path: str, serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as client:
        for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null"):
            refused = await client.post(path, json=BODIES[path], headers={"Origin": origin})
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "foreign_origin")
        rebound = {"Origin": "http://evil.example:80", "Host": "evil.example:80"}
        assert (await client.post(path, json=BODIES[path], headers=rebound)).status_code == 403
    assert not served.models.requests


async def test_a_page_of_this_machine_may_ask(serving: Serving) -> None:
    served = await serving(cast())
    path = "/v1/chat/completions"
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as client:
        for origin in ("http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"):
            told = await client.post(path, json=BODIES[path], headers={"Origin": origin})
            assert told.status_code == 200


@pytest.mark.parametrize("path", BODIES)
async def test_without_a_key_every_door_is_shut(
    path: str, serving: Serving, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    served = await serving(cast(), keys=tmp_path / "keys.db")
    async with httpx2.AsyncClient(base_url=served.url, timeout=30) as client:
        for headers in ({}, {"Authorization": "Bearer fk-wrong"}):
            refused = await client.post(path, json=BODIES[path], headers=headers)
            assert refused.status_code == 401
    assert not served.models.requests


async def test_with_a_key_mcp_and_langserve_are_open_and_charged(
    serving: Serving, tmp_path: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    token = ring.add("ada", Caps())
    served = await serving(cast(answer="It is 42."), keys=tmp_path / "keys.db")
    async with over_http(f"{served.url}/mcp", token) as session:
        told = await session.call_tool("deliberate", {"question": "What is it?"} | CHOSEN)
    assert text_of(told) == "It is 42."
    headers = {"Authorization": f"Bearer {token}"}
    asked = {"messages": [HumanMessage("What is it?")]}
    async with remote_runnable(served.url, headers) as remote:
        out = await remote.ainvoke(asked, config={"configurable": CHOSEN})
    assert out["messages"][-1].text == "It is 42."
    spent = ring.all()[0][1].today_usd
    assert spent == pytest.approx(served.models.usage().cost)
