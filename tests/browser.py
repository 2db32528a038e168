"""A real browser without a screen: what a page shows once its scripts have run."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest


async def page(url: str, profile: Path, *, seconds: int = 8) -> str:
    """The page's document after so many seconds of its own time.

    Skips without Chromium; fails where `REQUIRE_CHROMIUM=1` says it must be there.
    """
    browser = await asyncio.create_subprocess_exec(
        _chromium(),
        *("--headless=new", "--no-sandbox", "--disable-gpu"),
        f"--virtual-time-budget={seconds * 1000}",
        f"--user-data-dir={profile}",
        "--dump-dom",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        shown, _ = await asyncio.wait_for(browser.communicate(), 90)
    except TimeoutError:
        browser.kill()
        await browser.wait()
        raise
    assert browser.returncode == 0
    return shown.decode()


def _chromium() -> str:
    if found := shutil.which("chromium"):
        return found
    why = "Chromium is not installed (Debian: apt-get install chromium)"
    if os.environ.get("REQUIRE_CHROMIUM") == "1":
        pytest.fail(f"REQUIRE_CHROMIUM=1, but: {why}", pytrace=False)
    pytest.skip(why)
