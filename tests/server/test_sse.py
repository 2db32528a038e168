"""A stream that nobody reads does not keep its place."""

import asyncio
import json
from typing import Any

import pytest

from tests.graph.cast import cast
from tests.server.asking import PANEL, body, until
from tests.server.conftest import Serving

LARGE = "x" * 6_000_000
UNREAD: list[tuple[str, dict[str, Any]]] = [
    ("/v1/responses", {"model": "fusion", "input": "?", "fusion": PANEL, "instructions": LARGE}),
    ("/v1/responses", {
        "model": "fusion", "input": "?", "fusion": PANEL, "metadata": {"x": LARGE},
    }),
]  # fmt: skip


@pytest.mark.parametrize(("path", "sent"), UNREAD)
async def test_a_stream_that_nobody_reads_gives_up_its_place(
    serving: Serving, path: str, sent: dict[str, Any]
) -> None:
    served = await serving(cast(), unread_s=0.5, max_runs=1, queue=1)
    host, _, port = served.url.removeprefix("http://").partition(":")
    data = json.dumps(sent | {"stream": True}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(data)}\r\n"
    writers = []
    for _ in range(2):
        _, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + data)
        writers.append(writer)
    await until(lambda: served.state.manager.admission.admitted == 2)
    await until(lambda: served.state.manager.admission.admitted == 0)
    for writer in writers:
        writer.transport.abort()
    reply = await served.client.chat.completions.create(
        model="fusion", messages=body()["messages"], extra_body={"fusion": PANEL}
    )
    assert reply.choices[0].message.content == "Done."
