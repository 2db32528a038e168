"""Make the pictures of the README from a real run of the offline panel: `make pictures`.

The page is served by `fusion serve` and photographed in Chromium; the live view is shown with the
run's own events up to the writer's first words. The terminal is what `fusion ask` shows at the end.
"""

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import Browser, Page, Route, async_playwright
from rich.console import Console

from langgraph_fusion.cli.display.model import RunView
from langgraph_fusion.cli.display.reducer import apply_event
from langgraph_fusion.cli.display.result import print_rich
from langgraph_fusion.web.templates import render
from tests.browser import chromium
from tests.cli.processes import FUSION

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "docs/pictures"
QUESTION = (
    "When did the Abbey Bridge reopen, what is its weight limit, what did the repair cost, and "
    "what became of the old lamps?"
)
PRESET = f"""
[bridge]
description = "Offline models over twelve documents about a small town's bridge"
extends = "offline"
docs = "{ROOT / "examples/documents"}"
"""
WIDTH = 1180


async def main() -> None:
    """Write the pictures into docs/pictures."""
    PLACE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        await _photograph(Path(folder))


async def _photograph(folder: Path) -> None:
    (folder / "presets.toml").write_text(PRESET)
    env = os.environ | {
        "FUSION_PRESETS": str(folder / "presets.toml"),
        "FUSION_RUNS": str(folder / "runs.db"),
    }
    command = [*FUSION, "serve", "--port", "8765", "--preset", "bridge"]
    server = await asyncio.create_subprocess_exec(*command, env=env)
    try:
        async with httpx2.AsyncClient(base_url="http://127.0.0.1:8765", timeout=60) as http:
            await _until_ready(http)
            run_id, events = await _deliberate(http)
        _terminal(events)
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox"]
            )
            await _pages(browser, run_id, events)
            await browser.close()
    finally:
        server.terminate()
        await server.wait()


async def _until_ready(http: httpx2.AsyncClient) -> None:
    while True:
        try:
            await http.get("/healthz")
        except httpx2.TransportError:
            await asyncio.sleep(0.2)
        else:
            return


async def _deliberate(http: httpx2.AsyncClient) -> tuple[str, list[dict[str, Any]]]:
    asked = {"model": "fusion", "messages": [{"role": "user", "content": QUESTION}]}
    begun = await http.post("/v1/runs", json=asked)
    run_id = str(begun.json()["id"])
    told = (await http.get(f"/v1/runs/{run_id}/events")).text
    return run_id, [json.loads(line[6:]) for line in told.splitlines() if line[:6] == "data: "]


async def _pages(browser: Browser, run_id: str, events: list[dict[str, Any]]) -> None:
    page = await browser.new_page(viewport={"width": WIDTH, "height": 1000})
    site = "http://127.0.0.1:8765"
    await page.goto(f"{site}/runs/{run_id}")
    await page.screenshot(path=PLACE / "page.png", clip=_top(1000))
    await _live(page, site, run_id, events)


async def _live(page: Page, site: str, run_id: str, events: list[dict[str, Any]]) -> None:
    """The page as it was in the follow-up round, when the first of its tools was called."""
    later = next(at for at, one in enumerate(events) if one["type"] == "follow_ups")
    first = next(at for at, one in enumerate(events) if at > later and one["type"] == "member.tool")
    told = "".join(
        f"id: {number}\nevent: {one['type']}\ndata: {json.dumps(one)}\n\n"
        for number, one in enumerate(events[: first + 1], 1)
    )
    run = {"id": run_id, "now": "running"}
    shell = render(
        "run.html", run=run, title=QUESTION, view=None, timeline=None, version="", signed_in=False
    )

    async def events_so_far(route: Route) -> None:
        await route.fulfill(body=told, content_type="text/event-stream")

    async def live_page(route: Route) -> None:
        await route.fulfill(body=shell, content_type="text/html")

    await page.route("**/v1/runs/*/events*", events_so_far)
    await page.route(f"**/runs/{run_id}", live_page)
    await page.goto(f"{site}/runs/{run_id}")
    await page.locator(".finding").first.wait_for()
    hide = "[role=status] { display: none !important }"  # these events end, a run's go on
    await page.add_style_tag(content=hide)
    await page.screenshot(path=PLACE / "live.png", clip=_top(1150), full_page=True)


def _top(height: int) -> Any:
    return {"x": 0, "y": 0, "width": WIDTH, "height": height}


def _terminal(events: list[dict[str, Any]]) -> None:
    """What `fusion ask` leaves on the screen."""
    view = RunView()
    for event in events:
        view = apply_event(view, event, 0.0)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        console = Console(record=True, width=100, file=nowhere, force_terminal=True)
        print_rich(console, view, view.result or {}, quiet=False)
        console.save_svg(str(PLACE / "terminal.svg"), title="fusion ask --docs examples/documents")


if __name__ == "__main__":
    asyncio.run(main())
