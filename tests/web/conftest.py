"""The page in a real browser, driven by Playwright, over the real server and scripted models."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser import chromium
from tests.server.conftest import prices as prices
from tests.server.conftest import serving as serving

expect.set_options(timeout=30_000)  # milliseconds: the machine may be busy


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests; skips without Chromium, fails where it must be there."""
    where = chromium()
    async with async_playwright() as driver:
        made = await driver.chromium.launch(executable_path=where, args=["--no-sandbox"])
        yield made
        await made.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of its own; a script error, or anything that the policy blocked, fails the test."""
    context = await browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(60_000)
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield page
    await context.close()
    assert wrong == []


class Line:
    """The connection between browser and server; it can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self.url = ""
        self._to = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.cuts = 0

    async def __aenter__(self) -> "Line":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Drop every connection that is open now."""
        self.cuts += 1
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _connected(self, reads: asyncio.StreamReader, writes: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there = await asyncio.open_connection(*self._to)
            self._open |= {writes, there[1]}
            await asyncio.gather(_pass(reads, there[1]), _pass(there[0], writes))


async def _pass(reads: asyncio.StreamReader, writes: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reads.read(65536):
            writes.write(data)
            await writes.drain()
        writes.close()
