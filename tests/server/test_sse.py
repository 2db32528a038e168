"""A stream that nobody reads does not keep its place."""

import asyncio
import json
from typing import Any

import pytest
from starlette.types import Message

from langgraph_fusion.server.sse import EventStream, Frames
from tests.graph.cast import cast
from tests.server.asking import PANEL, body, until
from tests.server.conftest import Serving

LARGE = "x" * 6_000_000
UNREAD: list[tuple[str, dict[str, Any]]] = [
    ("/v1/responses", {"model": "fusion", "input": "?", "fusion": PANEL, "instructions": LARGE}),
    ("/v1/chat/completions", {
        "model": "fusion", "fusion": PANEL, "messages": [
            {"role": "system", "content": LARGE}, {"role": "user", "content": "?"},
        ],
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


@pytest.mark.parametrize("blocked", [0, 1, 2, 3])
async def test_no_message_of_a_stream_waits_for_ever_to_be_sent(blocked: int) -> None:
    sent, closed = list[str](), list[bool]()

    async def send(message: Message) -> None:
        if len(sent) == blocked:
            await asyncio.Event().wait()
        sent.append(message["type"])

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def frames() -> Frames:
        yield b"data: 1\n\n"
        yield b"data: 2\n\n"

    async def close() -> None:
        closed.append(True)

    stream = EventStream(frames(), keep_alive_s=60, unread_s=0.05, close=close)
    async with asyncio.timeout(30):
        await stream({"type": "http"}, receive, send)
    assert len(sent) == blocked
    assert closed == [True]
