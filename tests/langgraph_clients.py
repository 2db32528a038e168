"""What clients of a LangGraph server ask, and what they have to be told, whichever server it is."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from langgraph_sdk.client import LangGraphClient

from tests.graph.cast import JUDGE, PANEL, WRITER

SEATS: Any = {
    "panel": [{"model": name} for name in PANEL],
    "judge": {"model": JUDGE},
    "synthesizer": {"model": WRITER},
    "tools": [],
}
MODES: Any = ["values", "updates", "messages-tuple", "custom", "debug", "tasks", "events"]


def asked(question: str = "What does the check verify?") -> Any:
    return {"messages": [{"role": "user", "content": question}]}


async def every_mode_tells(client: LangGraphClient) -> None:
    """A run is told in every mode of streams, whole and without keys."""
    kinds: set[str] = set()
    custom: list[str] = []
    async for part in client.runs.stream(
        None, "fusion", input=asked(), context=SEATS, stream_mode=MODES, stream_subgraphs=True
    ):
        kinds.add(part.event.partition("|")[0])
        if part.event.startswith("custom"):
            custom.append(part.data["type"])
        assert "sk-or-secret-key" not in repr(part.data)
    assert "error" not in kinds
    assert {"values", "updates", "messages", "custom", "debug", "tasks", "events"} <= kinds
    assert (custom[0], custom[-1]) == ("run.started", "run.finished")


async def until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it answers; a busy machine may take minutes to start it."""
    try:
        async with asyncio.timeout(150), httpx2.AsyncClient(timeout=20) as client:
            while server.poll() is None:
                try:
                    if (await client.get(url)).is_success:
                        return
                except httpx2.TransportError:
                    await asyncio.sleep(0.25)
    except TimeoutError:
        pytest.fail(f"not ready in time: {log.read_text()[-3000:]}")
    pytest.fail(f"it ended: {log.read_text()[-3000:]}")
