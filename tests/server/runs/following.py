"""Start a run that outlives its connection, and follow its events, as a page does."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.server.asking import body

ENDS = {"run.finished", "run.failed", "run.cancelled", "run.interrupted"}


@dataclass
class Followed:
    """Events that came, with their numbers."""

    numbers: list[int] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def text(self) -> str:
        return "".join(one["text"] for one in self.events if one["type"] == "writer.delta")


async def start(client: httpx2.AsyncClient, url: str, **given: Any) -> str:
    headers = given.pop("headers", {})
    begun = await client.post(f"{url}/v1/runs", json=body(**given), headers=headers)
    assert begun.status_code == 202, begun.text
    return str(begun.json()["id"])


async def follow(
    client: httpx2.AsyncClient,
    url: str,
    run_id: str,
    *,
    after: int | None = None,
    most: int = 100_000,
    headers: dict[str, str] | None = None,
) -> Followed:
    """Read events to the end of the stream, or so many."""
    found = Followed()
    sent = {"Last-Event-ID": str(after)} if after is not None else {}
    events = f"{url}/v1/runs/{run_id}/events"
    async with client.stream("GET", events, headers=sent | (headers or {}), timeout=60) as reply:
        assert reply.status_code == 200, await reply.aread()
        async for line in reply.aiter_lines():
            if line.startswith("id: "):
                found.numbers.append(int(line[4:]))
            if line.startswith("data: "):
                found.events.append(json.loads(line[6:]))
                if len(found.events) == most:
                    break
    return found
