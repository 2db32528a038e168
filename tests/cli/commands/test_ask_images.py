"""`fusion ask --image`: files and standard input, read by their bytes."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.cli.processes import FUSION, environment, run
from tests.graph.cast import A
from tests.graph.images.test_who_sees import looking
from tests.images import BLUE, RED, png
from tests.scripted import scripted_server


async def test_images_come_from_files_and_from_standard_input(tmp_path: Path) -> None:
    (tmp_path / "not named so").write_bytes(png(RED))
    preset = f'[p]\npanel = ["{A}"]\njudge = "none"\nsynthesizer = "w/writer"\ntools = []\n'
    (tmp_path / "presets.toml").write_text(preset)
    async with scripted_server(looking()) as server:
        env = environment({
            "FUSION_PRESETS": str(tmp_path / "presets.toml"), "FUSION_RUNS": "off",
            "OPENROUTER_API_KEY": "k", "OPENROUTER_BASE_URL": server.base_url,
        })  # fmt: skip
        images = ("--image", str(tmp_path / "not named so"), "--image", "-")
        asked = await asyncio.create_subprocess_exec(
            *FUSION, "ask", "-p", "p", "--json", *images, "Which colours?",
            env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await asked.communicate(png(BLUE))
    result = json.loads(out)
    assert result["answer"] == "I see red and blue and was told nothing."
    assert [one["seen_by"] for one in result["images"]] == [["A", "synthesizer"]] * 2


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--image", "README.md", "?"), "README.md: its bytes are no image"),
        (("--image", "missing.png", "?"), "missing.png: No such file"),
        (("--image", "-", "--image", "-", "?"), "standard input holds one thing"),
        (("--image", "-"), "standard input holds one thing"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_starts(
    options: tuple[str, ...], why: str
) -> None:
    ended = run(*FUSION, "ask", "-p", "offline", *options)
    assert ended.returncode == 2
    assert why in ended.stderr
