"""`fusion serve` at the address of a local model server: vLLM's port is ours as well."""

import httpx2

from langgraph_fusion.models.local import local_servers
from tests.graph.cast import cast
from tests.models.test_local import NOWHERE
from tests.server.conftest import Serving


async def test_this_server_is_not_taken_for_a_server_of_local_models(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        assert (await http.get("/v1/models")).json()["data"]
    assert await local_servers(NOWHERE | {"VLLM_BASE_URL": f"{served.url}/v1"}) == []
