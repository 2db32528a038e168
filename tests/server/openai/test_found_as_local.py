"""`fusion serve` at the address of a local model server: vLLM's port is ours as well."""

import httpx2
import pytest

from langgraph_fusion.models.local import local_servers
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import cast
from tests.models.test_local import NOWHERE
from tests.server.conftest import Serving


async def test_this_server_is_not_taken_for_a_server_of_local_models(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        assert (await http.get("/v1/models")).json()["data"]
    assert await local_servers(NOWHERE | {"VLLM_BASE_URL": f"{served.url}/v1"}) == []


async def test_a_server_that_looks_for_local_servers_at_its_own_address_answers_at_once(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serving(cast(), policy=ClientPolicy(default_preset="local", models=("*",)))
    for name in ("OLLAMA_BASE_URL", "LMSTUDIO_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("VLLM_BASE_URL", f"{served.url}/v1")
    monkeypatch.setenv("LOCAL_BASE_URL", served.models.base_url)
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        listed = (await http.get("/v1/models")).json()["data"]
        counted = (await http.get("/metrics")).text
    assert {"fusion", "fusion/direct", "fusion/local"} <= {one["id"] for one in listed}
    (line,) = [
        one for one in counted.splitlines()
        if one.startswith("fusion_http_requests_total") and "/v1/models" in one
    ]  # fmt: skip
    assert float(line.rpartition(" ")[2]) < 20
