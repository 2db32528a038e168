"""The committed script of the page is what its sources give."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"


def test_the_script_is_the_one_that_its_sources_give(tmp_path: Path) -> None:
    if not shutil.which("npm"):
        if os.environ.get("REQUIRE_NODE"):
            pytest.fail("npm is required and not there")
        pytest.skip("no npm on this machine")
    shutil.copytree(
        WEB / "assets", tmp_path / "assets", ignore=shutil.ignore_patterns("node_modules")
    )
    (tmp_path / "static").mkdir()
    for command in ("ci --silent --no-audit --no-fund", "run build --silent"):
        ran = subprocess.run(
            ["npm", *command.split()], cwd=tmp_path / "assets", capture_output=True, check=False
        )
        assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    built = (tmp_path / "static/page.js").read_text()
    committed = (WEB / "static/page.js").read_text()
    assert built == committed, "run `npm ci && npm run build` in web/assets and commit the result"


def test_the_first_view_is_small() -> None:
    """Script and style together, which a page loads once: under 150 KB."""
    assert sum(path.stat().st_size for path in (WEB / "static").iterdir()) < 150_000
