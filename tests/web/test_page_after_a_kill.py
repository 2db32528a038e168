"""The server is killed in mid-run: the page says so, and the run goes on when it is back."""

import socket
from pathlib import Path

from playwright.async_api import Page, expect

from tests.graph.cast import WRITER, A, B, C, cast
from tests.scripted import hang, text
from tests.server.command import served
from tests.web.test_page import ANSWER, PRESET, ask, finished


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


async def test_a_killed_servers_run_is_found_and_goes_on(page: Page, tmp_path: Path) -> None:
    (tmp_path / "presets.toml").write_text(PRESET)
    env = {"FUSION_PRESETS": str(tmp_path / "presets.toml")}
    place = ("--port", str(free_port()), "--preset", "scripted")
    async with served(cast({C: hang()}), tmp_path, *place, env=env) as first:
        await ask(page, first.url)
        for seat in "AB":
            member = page.get_by_role("article", name=f"Seat {seat}")
            await expect(member).to_contain_text("answered")
        first.process.kill()
        await expect(page.get_by_role("status")).to_contain_text("connection is lost")
    again = (*place, "--no-take-up")
    async with served(cast({WRITER: text(ANSWER)}), tmp_path, *again, env=env) as second:
        await expect(page.get_by_role("alert")).to_contain_text("interrupted", timeout=60_000)
        await page.get_by_role("button", name="Go on").click()
        await finished(page)
        await expect(page.locator("#answer")).to_contain_text("forty-two")
        asked = [seen.model for seen in second.models.requests]
        assert (asked.count(A), asked.count(B), asked.count(C)) == (0, 0, 1)
        await page.reload()
        await finished(page)
