"""No name that a client, a model or a provider chooses becomes a label: series would never end."""

import re
from typing import Any

import httpx2
import pytest

from tests.graph.cast import PANEL, cast
from tests.scripted import Reply, Seen, status, text, tool_calls, upstream_error
from tests.server.asking import PANEL as SEATS
from tests.server.conftest import Serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LangServe calls what is old
_SERIES = re.compile(r"^\w+(?:\{[^}]*\})?(?= )", re.M)


def _odd(name: str) -> Any:
    """Models whose errors, tools and finish reasons all have this name."""
    error = {"error": {"message": name, "code": name, "type": name}}
    parts: dict[str, Reply] = {
        PANEL[0]: status(400, body=error),
        PANEL[1]: upstream_error(name),
        PANEL[2]: text("It is 42.", finish_reason=name),
    }
    told = cast(parts)

    def script(seen: Seen) -> Any:
        if seen.tool_names and not seen.tool_results:
            return tool_calls([(name, {})])
        return told(seen)

    return script


async def test_names_of_others_make_no_series_of_their_own(serving: Serving) -> None:
    served = await serving(_odd("first"))

    async def series_after(name: str) -> set[str]:
        served.models.script = _odd(name)
        seats = SEATS | {"tools": ["web_search"], "deadline_s": 45}
        turns = [{"role": "user", "content": name}]
        for model, fusion in (("fusion", seats), ("fusion", SEATS), (name, SEATS)):
            sent = {"model": model, "messages": turns, "fusion": fusion, "user": name}
            await http.post("/v1/chat/completions", json=sent, headers={"User-Agent": name})
        for path in (f"/{name}", f"/v1/models/{name}", f"/v1/runs/{name}", f"/static/{name}"):
            for method in ("GET", "POST", "DELETE", "PUT"):
                await http.request(method, path, params={name: name})
        return set(_SERIES.findall((await http.get("/metrics")).text))

    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        await http.get("/metrics")  # which is a series as well
        first = await series_after("first")
        later = [await series_after(f"name{number}") for number in range(2)]
    grown = sorted(set().union(*later) - first)
    assert grown == [], "names of a client or a model made series"
    assert not [one for one in first if "first" in one]
