"""Images in every form that clients write, judged by their bytes; and what they count."""

import base64
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.calls.worst_case import prompt_tokens
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.estimate import estimate
from langgraph_fusion.graph.request.asked_images import question_with_images
from langgraph_fusion.graph.request.image_tokens import likely_tokens, most_tokens
from langgraph_fusion.graph.request.images import MAX_BYTES, Image, given_in, read_block
from langgraph_fusion.models.image_input import reads_images
from tests.graph.cast import settings
from tests.graph.conftest import Serve
from tests.graph.images.test_who_sees import ALL_SEE, looking
from tests.images import BLUE, RED, data_url, png

DATA = base64.b64encode(png()).decode()
FORMS: list[dict[str, Any]] = [
    {"type": "image_url", "image_url": {"url": data_url(png())}},
    {"type": "image_url", "image_url": data_url(png())},
    {"type": "image_url", "image_url": {"url": f"DATA:application/octet-stream;BASE64,{DATA}"}},
    {"type": "input_image", "image_url": data_url(png())},
    {"type": "image", "base64": DATA, "mime_type": "image/jpeg"},
    {"type": "image", "source_type": "base64", "data": DATA, "mime_type": "image/png"},
    {"type": "image", "url": data_url(png())},
    {"type": "image", "source": {"type": "base64", "data": DATA, "media_type": "image/gif"}},
    {"type": "image", "data": DATA, "mimeType": "image/png"},
]
HEADERS = {
    "image/png": png(width=3, height=5),
    "image/gif": b"GIF89a" + struct.pack("<HH", 3, 5) + bytes(20),
    "image/webp": b"RIFF" + bytes(4) + b"WEBPVP8X" + bytes(8) + b"\x02\0\0\x04\0\0" + bytes(20),
    "image/jpeg": b"\xff\xd8\xff\xc0\0\x11\x08\0\x05\0\x03\x03" + bytes(20),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_image(form: dict[str, Any]) -> None:
    assert read_block(form) == Image.of(png()).block


@pytest.mark.parametrize("media_type", HEADERS)
def test_type_and_size_come_from_the_first_bytes(media_type: str) -> None:
    found = Image.of(HEADERS[media_type])
    assert (found.media_type, found.width, found.height) == (media_type, 3, 5)


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"type": "input_image", "file_id": "file-1"}, "kept at OpenAI"),
        ({"type": "image_url", "image_url": {}}, "https address or its data"),
        ({"type": "image_url", "image_url": "data:image/png,abc"}, "write its data URL as"),
        ({"type": "image_url", "image_url": "data:image/png;base64,%%%"}, "no base64"),
        ({"type": "image", "base64": base64.b64encode(b"%PDF-1.7").decode()}, "no image"),
        ({"type": "image_url", "image_url": "ftp://a.org/x.png"}, "https address"),
        ({"type": "image", "base64": "A" * (2 * MAX_BYTES + 4)}, "more than 5 MiB"),
    ],
)
def test_what_is_no_image_is_said_in_words(form: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_block(form)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", *HEADERS.values()]))
def test_no_bytes_break_the_reading_of_a_header(tail: bytes, head: bytes) -> None:
    try:
        found = Image.of(head[:20] + tail)
    except ValueError:
        return
    assert found.width is None or found.width > 0
    assert Image.of_block(found.block) == found


@given(st.dictionaries(st.sampled_from(["type", "image_url", "source", "url", "data", "detail"]),
                       st.recursive(st.none() | st.text() | st.integers(),
                                    lambda inner: st.dictionaries(st.text(), inner))))  # fmt: skip
def test_no_form_of_a_block_raises_anything_else(block: dict[str, Any]) -> None:
    with suppress(ValueError):
        given_in(block)


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [(1024, 1024, 765), (2048, 4096, 1105), (512, 512, 765), (None, None, 765)],
)
def test_tokens_follow_openais_rule_and_the_bound_is_no_lower(
    width: int | None, height: int | None, tokens: int
) -> None:
    assert likely_tokens(width, height) == tokens
    assert most_tokens(width, height) >= tokens
    assert likely_tokens(width, height, "low") == 85
    assert most_tokens(4000, 3000) == 16_000


def test_a_prompt_counts_its_images_and_not_their_base64() -> None:
    picture = Image.of(png(width=512, height=512) + bytes(1 << 20))
    asked = HumanMessage([{"type": "text", "text": "Which?"}, picture.block])
    assert 765 < prompt_tokens([asked]) < 900
    assert 765 < prompt_tokens([HumanMessage([picture.block])]) < 900


def test_the_estimate_counts_an_image_in_every_call_that_sends_it() -> None:
    block = Image.of(png(width=512, height=512)).block
    chosen = settings(tools=[], max_rounds=0)
    plain, more = estimate(chosen, "Why?"), estimate(chosen, "Why?", [block])
    added = more.total.input_tokens.likely - plain.total.input_tokens.likely
    assert added == 5 * 765, "three members, the judge and the writer"
    assert any("rule of tiles" in note for note in more.notes)


@pytest.mark.parametrize(
    ("entry", "sees"),
    [
        ({"architecture": {"input_modalities": ["text", "image"]}}, True),
        ({"architecture": {"input_modalities": ["text"]}}, False),
        ({"capabilities": {"vision": False}}, False),
        ({"capabilities": ["completion", "multimodal"]}, True),
        ({"type": "vlm"}, True),
        ({"id": "x", "capabilities": None, "architecture": "llama"}, None),
    ],
)
def test_what_a_list_of_models_says(entry: dict[str, Any], sees: bool | None) -> None:
    assert reads_images(entry) is sees


async def test_python_takes_paths_addresses_and_bytes(serve: Serve, tmp_path: Path) -> None:
    await serve(looking(), ALL_SEE)
    (tmp_path / "no name of a picture").write_bytes(png(RED))
    pictures = [tmp_path / "no name of a picture", png(BLUE), data_url(png(RED))]
    result = await aask("Which?", settings(), images=pictures)
    assert result.answer == "I see red and blue and red and was told nothing."


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("missing.png", r"missing\.png: No such file"),
        (b"<svg>", "image 1: its bytes are no image"),
        (b"", "image 1: it is empty"),
        (b"x" * (MAX_BYTES + 1), "image 1: it has more than 5 MiB"),
        ("ftp://a.org/x.png", r"ftp://a.org/x.png: an address begins with https://"),
    ],
)
def test_an_image_that_cannot_be_read_is_named(source: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as told:
        question_with_images("Which?", [source])
    assert told.value.field == "images"
