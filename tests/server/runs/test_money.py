"""A client's cap under random schedules of parallel requests through every door.

The scripted models write down what they bill. In the end the ledger holds exactly that, and where a
call's cost is unknown (cancelled, broken off) no less; and neither passes the cap.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import ClientSession

from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast
from tests.images import data_url, png
from tests.scripted import Reply, Seen, broken_stream, hang, status, text, tool_calls
from tests.server.asking import PANEL, until
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Served, Serving
from tests.server.mcp_clients import over_http, text_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LangServe calls what is old
CAP, PER_RUN = 0.6, 0.12
SEED = 0
LONG = "A sentence that says something about the number 42. " * 100
SPARE = "m/spare"
LOOKUP = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}
ODD_BUDGETS = [0, -1, 1e-9, 1e-3, 0.05, "0.05", 0.119999999, 7, 1e308, True, None, [1], "much"]
RAW_BUDGETS = ["NaN", "Infinity", "-Infinity", "1e999", "0.05"]
Json = dict[str, Any]


class Client:
    """One client of the server, and the requests that it may send."""

    def __init__(self, http: httpx2.AsyncClient, mcp: ClientSession, seed: int) -> None:
        self._http = http
        self._mcp = mcp
        self._random = random.Random(seed)
        self.statuses: list[int] = []

    async def _post(self, path: str, sent: Json | str) -> Json:
        """The reply; a client that is told to wait tries again a few times."""
        content = sent if isinstance(sent, str) else json.dumps(sent)
        for _ in range(20):
            headers = {"Content-Type": "application/json"}
            response = await self._http.post(path, content=content, headers=headers)
            self.statuses.append(response.status_code)
            if response.status_code != 429:
                break
            await asyncio.sleep(0.05 * self._random.random())
        with suppress(ValueError):
            found: Json = response.json()
            return found
        return {}

    def _chat(self, question: str = "What is it?", **fusion: Any) -> Json:
        messages = [{"role": "user", "content": question}]
        return {"model": "fusion", "messages": messages, "fusion": PANEL | fusion}

    async def chat(self) -> None:
        await self._post("/v1/chat/completions", self._chat())

    async def stream(self) -> None:
        await self._post("/v1/chat/completions", self._chat() | {"stream": True})

    async def direct(self) -> None:
        await self._post("/v1/chat/completions", self._chat(mode="direct"))
        await self._post("/v1/responses", self._response(mode="direct"))

    async def select(self) -> None:
        await self._post("/v1/chat/completions", self._chat(mode=self._random.choice(_MODES)))

    async def hosted(self) -> None:
        plugin = {"id": "fusion", "analysis_models": [A, B], "model": JUDGE}
        sent = self._chat() | {"model": WRITER, "plugins": [plugin], "fusion": {"tools": []}}
        await self._post("/v1/chat/completions", sent)

    def _response(self, **fusion: Any) -> Json:
        return {"model": "fusion", "input": "What is it?", "fusion": PANEL | fusion}

    async def responses(self) -> None:
        stream = self._random.random() < 0.5
        await self._post("/v1/responses", self._response() | {"stream": stream})

    async def langserve(self) -> None:
        asked = {"messages": [{"type": "human", "content": "What is it?"}]}
        config = {"configurable": PANEL}
        await self._post("/fusion/invoke", {"input": asked, "config": config})
        await self._post("/fusion/batch", {"inputs": [asked], "config": config})
        await self._post("/fusion/stream", {"input": asked, "config": config})

    async def batch(self) -> None:
        """One that is refused ends the others."""
        asked = {"messages": [{"type": "human", "content": "What is it?"}]}
        config = {"configurable": PANEL}
        await self._post("/fusion/batch", {"inputs": [asked, asked], "config": config})

    async def mcp(self) -> None:
        question = {"question": "What is it?"}
        await self._mcp.call_tool("deliberate", question | PANEL)

    async def estimate(self) -> None:
        await self._post("/v1/estimate", self._chat())

    async def odd_budget(self) -> None:
        budget = self._random.choice(ODD_BUDGETS)
        await self._post("/v1/chat/completions", self._chat(budget_usd=budget))
        raw = json.dumps(self._chat(budget_usd=0)).replace(
            '"budget_usd": 0', f'"budget_usd": {self._random.choice(RAW_BUDGETS)}'
        )
        await self._post("/v1/chat/completions", raw)

    async def weakened(self) -> None:
        await self._post("/v1/chat/completions", self._chat(unknown_cost="ignore"))
        await self._post("/v1/chat/completions", self._chat(panel=["no/price"]))

    async def with_media(self) -> None:
        image, file = data_url(png()), data_url(b"It is 42.", "text/plain")
        parts = [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": image}},
            {"type": "file", "file": {"filename": "notes.txt", "file_data": file}},
        ]
        turns = [{"role": "user", "content": parts}]
        await self._post("/v1/chat/completions", self._chat() | {"messages": turns})

    async def unattended(self) -> None:
        await self._post("/v1/runs", self._chat())
        await self._post("/v1/responses", self._response() | {"background": True})

    async def continued(self) -> None:
        sent = self._chat("Use the tool: what is it?") | {"tools": [LOOKUP]}
        first = await self._post("/v1/chat/completions", sent)
        if "choices" not in first:
            return
        message = first["choices"][0]["message"]
        if not message.get("tool_calls"):
            return
        result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "42"}
        turns = [*sent["messages"], message, result]
        await self._post("/v1/chat/completions", sent | {"messages": turns})

    async def cancelled(self) -> None:
        with suppress(httpx2.TimeoutException):
            await self._http.post(
                "/v1/chat/completions", json=self._chat(), timeout=0.3 * self._random.random()
            )

    async def stalled_and_resumed(self) -> None:
        number = self._random.random()
        sent = self._chat(f"Stall {number}?") | {"stream": True}
        run_id = None
        async with self._http.stream("POST", "/v1/chat/completions", json=sent) as response:
            async for line in response.aiter_lines():
                event = json.loads(line[6:]) if line[:7] == "data: {" else {}
                run_id = event.get("fusion", {}).get("run_id", run_id)
                if event.get("fusion", {}).get("type") == "writer.started" or "error" in event:
                    await asyncio.sleep(0.2)  # for its call to be under way
                    break
        for _ in range(20):
            if run_id is None:
                return
            result = await self._mcp.call_tool("resume", {"run_id": run_id})
            if "still running" not in text_of(result):
                return
            await asyncio.sleep(0.05)

    async def hedged(self) -> None:
        seat = {"model": B, "fallbacks": [SPARE], "hedge_s": 0.05}
        await self._post("/v1/chat/completions", self._chat("Slow?", panel=[A, seat]))


_MODES = ("select", "analysis")
KNOWN: tuple[Callable[[Client], Awaitable[None]], ...] = (
    Client.chat, Client.stream, Client.direct, Client.select, Client.hosted, Client.responses,
    Client.langserve, Client.mcp, Client.estimate, Client.odd_budget, Client.weakened,
    Client.continued, Client.with_media, Client.unattended,
)  # fmt: skip
"""The cost of every call is known in the end."""
UNKNOWN = (*KNOWN, Client.batch, Client.cancelled, Client.stalled_and_resumed, Client.hedged)


def _models(seed: int, *, broken: bool) -> Any:
    """Models that are slow, refuse now and then, and break off if they may."""
    chance = random.Random(seed)
    stalled: set[str] = set()

    def writer(seen: Seen) -> Reply:
        if "Stall" in seen.text and seen.text not in stalled:
            stalled.add(seen.text)
            return hang()
        if seen.tool_names and not seen.tool_results:
            return tool_calls([("lookup", {"id": 7})])
        return text(LONG)

    def member(seen: Seen) -> Reply:
        slow = "Slow?" in seen.text and seen.model == B
        return text(LONG).after(0.4 if slow else 0.05 * chance.random())

    whole = cast({A: member, B: member, C: member, WRITER: writer, SPARE: text("Spare says 42.")})

    def script(seen: Seen) -> Any:
        drawn = chance.random()
        if drawn < 0.1:
            return status(429, headers={"Retry-After": "0.01"})
        if broken and drawn < 0.2:
            return broken_stream(LONG)
        return whole(seen)

    return script


@asynccontextmanager
async def _clients(served: Served, token: str, seeds: range) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as stack:
        headers = {"Authorization": f"Bearer {token}"}
        limits = httpx2.Limits(max_connections=200)
        http = httpx2.AsyncClient(base_url=served.url, timeout=120, headers=headers, limits=limits)
        await stack.enter_async_context(http)
        mcp = await stack.enter_async_context(over_http(f"{served.url}/mcp", token))
        yield [Client(http, mcp, seed) for seed in seeds]


async def _storm(
    serving: Serving, place: str, tmp_path: Path, prices: Path, *, known: bool
) -> tuple[float, float, set[int]]:
    """50 requests and more at once; what was billed, what was charged, and the statuses."""
    with prices.open("a") as file:
        file.write(f'"{SPARE}" = {{ input = 1.0, output = 2.0 }}\n')
    ring = BlockingKeys(place)
    served = await serving(
        _models(SEED, broken=not known),
        keys=place,
        runs=str(tmp_path / "runs.db"),
        max_runs=16,
        queue=200,
    )
    token = ring.add("ada", Caps(per_day_usd=CAP, per_run_usd=PER_RUN))
    chance = random.Random(SEED)
    async with _clients(served, token, range(50)) as clients:
        doors = KNOWN if known else UNKNOWN
        chosen = [*doors, *chance.choices(doors, k=50 - len(doors))]
        async with asyncio.timeout(240):
            await asyncio.gather(
                *(ask(client) for ask, client in zip(chosen, clients, strict=True))
            )
        statuses = {one for client in clients for one in client.statuses}
    await until(lambda: not served.state.manager.shutdown.runs and not served.models.in_flight)
    await asyncio.sleep(0.3)  # the last run is settled in a thread
    return served.models.usage().cost, ring.all()[0][1].total_usd, statuses


async def test_the_ledger_equals_what_the_models_billed_and_keeps_the_cap(
    serving: Serving, place: str, tmp_path: Path, prices: Path
) -> None:
    billed, charged, statuses = await _storm(serving, place, tmp_path, prices, known=True)
    assert charged == pytest.approx(billed, abs=1e-6)
    assert 0 < charged <= CAP
    assert {200, 400} <= statuses <= {200, 202, 400, 402, 429, 502, 503}


async def test_with_calls_of_unknown_cost_the_ledger_holds_no_less_and_keeps_the_cap(
    serving: Serving, place: str, tmp_path: Path, prices: Path
) -> None:
    billed, charged, statuses = await _storm(serving, place, tmp_path, prices, known=False)
    assert 0 < billed <= charged + 1e-9
    assert charged <= CAP + 1e-9
    assert statuses <= {200, 202, 400, 402, 429, 502, 503}


async def test_a_resumed_run_is_charged_with_its_new_calls(
    serving: Serving, tmp_path: Path, prices: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    script = cast({WRITER: lambda seen: text(LONG) if resumed else hang()})
    resumed: list[bool] = []
    served = await serving(script, keys=tmp_path / "keys.db", runs=str(tmp_path / "runs.db"))
    token = ring.add("ada", Caps(per_day_usd=CAP, per_run_usd=PER_RUN))
    async with _clients(served, token, range(1)) as [client]:
        stalling = asyncio.create_task(client.stalled_and_resumed())
        await until(lambda: len(served.models.seen_by(WRITER)) == 1)
        resumed.append(True)
        await stalling
    await until(lambda: not served.state.manager.shutdown.runs)
    await asyncio.sleep(0.2)
    new = served.models.usage(lambda seen: seen.model == WRITER).cost
    assert new > 0
    charged = ring.all()[0][1].total_usd
    assert served.models.usage().cost < charged, "the call that was cut off counts at its worst"
    assert charged < PER_RUN + new, "what the first request did not need is free again"
