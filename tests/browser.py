"""A real browser without a screen: what a page shows."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse


class Page:
    """One page, over Chromium's DevTools protocol."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        said = await self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def shown(self) -> str:
        """The text a user reads."""
        return str(await self.run("document.body ? document.body.innerText : ''"))

    async def until(self, text: str, seconds: float = 60) -> str:
        """Wait until the page shows the text; returns all that it shows."""
        shown = ""
        try:
            async with asyncio.timeout(seconds):
                while text not in (shown := await self.shown()):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"no {text!r} in the page: {shown[-3000:]}")
        return shown

    async def send(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (said := await self._socket.receive_json()).get("id") != number:
            pass
        return said["result"]


@asynccontextmanager
async def browser_page(url: str, profile: Path) -> AsyncIterator[Page]:
    """Open the page in a browser of its own.

    Skips without Chromium; fails where `REQUIRE_CHROMIUM=1` says it must be there.
    """
    browser = await asyncio.create_subprocess_exec(
        chromium(),
        *("--headless=new", "--no-sandbox", "--disable-gpu"),
        *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with ClientSession() as http:
            address = await _address(http, profile / "DevToolsActivePort")
            async with http.ws_connect(address, max_msg_size=0) as socket:
                page = Page(socket)
                await page.send("Page.navigate", url=url)
                yield page
    finally:
        browser.terminate()
        await browser.wait()


async def _address(http: ClientSession, told: Path) -> str:
    """Of the one tab; the browser writes its port into a file when it is ready."""
    async with asyncio.timeout(60):
        while not told.exists() or not (lines := told.read_text().splitlines()):
            await asyncio.sleep(0.05)
    async with http.get(f"http://127.0.0.1:{lines[0]}/json") as answer:
        tabs = await answer.json()
    return next(str(tab["webSocketDebuggerUrl"]) for tab in tabs if tab["type"] == "page")


def chromium() -> str:
    if found := shutil.which("chromium"):
        return found
    why = "Chromium is not installed (Debian: apt-get install chromium)"
    if os.environ.get("REQUIRE_CHROMIUM") == "1":
        pytest.fail(f"REQUIRE_CHROMIUM=1, but: {why}", pytrace=False)
    pytest.skip(why)
