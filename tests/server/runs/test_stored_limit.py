"""A client may have so many runs and responses stored, and is told how to make room."""

from pathlib import Path

import httpx2

from langgraph_fusion.graph.journal.repository import RunRepository
from tests.graph.cast import cast
from tests.server.asking import PANEL, body, until
from tests.server.conftest import Serving

RESPONSE = {"model": "fusion", "input": "What is it?", "fusion": PANEL}
FULL = [
    ("/v1/runs", body()),
    ("/v1/responses", RESPONSE | {"store": True}),
    ("/v1/responses", RESPONSE | {"background": True}),
]


async def test_what_a_client_may_have_stored_ends_and_deleting_makes_room(
    serving: Serving, tmp_path: Path
) -> None:
    served = await serving(cast(), runs=str(tmp_path / "runs.db"), max_stored=3)
    store: RunRepository = served.state.store
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        made = [(await http.post(path, json=sent)).json()["id"] for path, sent in FULL]
        assert await store.stored.number(None, 10) == 3
        assert await store.stored.number("another", 10) == 0
        for path, sent in FULL:
            refused = await http.post(path, json=sent)
            assert refused.status_code == 409
            assert refused.json()["error"]["code"] == "too_many_stored"
            assert refused.headers["x-should-retry"] == "false"
        for further in ({}, {"store": False}):
            answered = await http.post("/v1/responses", json=RESPONSE | further)
            assert answered.status_code == 200
        assert await store.stored.number(None, 10) == 3
        await until(lambda: not served.state.manager.admission.admitted)
        for kind, id in zip(("runs", "responses", "responses"), made, strict=True):
            assert (await http.delete(f"/v1/{kind}/{id}")).status_code == 200
            assert (await http.get(f"/v1/{kind}/{id}")).status_code == 404
        assert await store.stored.number(None, 10) == 0
        assert (await http.post("/v1/runs", json=body())).status_code == 202


async def test_a_background_response_that_failed_can_be_deleted(
    serving: Serving, tmp_path: Path
) -> None:
    served = await serving(cast(), runs=str(tmp_path / "runs.db"))
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        started = await http.post("/v1/responses", json=RESPONSE | {"background": True})
        path = f"/v1/responses/{started.json()['id']}"
        await http.post(f"{path}/cancel")
        await until(lambda: not served.state.manager.admission.admitted)
        assert (await http.delete(path)).status_code == 200
        assert (await http.get(path)).status_code == 404
