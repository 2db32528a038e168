"""More clients than the server has room for."""

import asyncio
from collections import Counter

import httpx2
import pytest

from tests.graph.cast import A, cast
from tests.scripted import text
from tests.server.asking import PANEL, body
from tests.server.conftest import Serving


async def test_two_hundred_clients_at_a_limit_of_fifty(serving: Serving) -> None:
    served = await serving(
        cast({A: text("Alpha says 42.").after(0.3)}, analysis={"consensus": []}),
        max_runs=50,
        queue=50,
    )
    one = PANEL | {"panel": [A], "max_rounds": 0, "details": False, "usage": "run"}
    most = 0

    async def ask(client: httpx2.AsyncClient) -> httpx2.Response:
        nonlocal most
        url = f"{served.url}/v1/chat/completions"
        response = await client.post(url, json=body(fusion=one))
        most = max(most, served.state.manager.admission.running)
        return response

    limits = httpx2.Limits(max_connections=200)
    async with httpx2.AsyncClient(timeout=120, limits=limits) as client:
        responses = await asyncio.gather(*(ask(client) for _ in range(200)))
    counts = Counter(response.status_code for response in responses)
    assert counts.keys() == {200, 429}
    assert counts[200] >= 100
    assert most <= 50
    refused = next(response for response in responses if response.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert served.state.manager.admission.admitted == 0
    billed = served.models.usage()
    assert billed.calls == 3 * counts[200], "nobody refused has cost anything"
    bills = [one.json()["usage"] for one in responses if one.status_code == 200]
    assert sum(one["total_tokens"] for one in bills) == sum(billed[1:3])
    assert sum(one["cost"] for one in bills) == pytest.approx(billed.cost)
