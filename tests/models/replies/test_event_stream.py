import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_fusion.models.errors import BadResponse
from langgraph_fusion.models.replies.event_stream import DONE, LOST, batches_of

CHUNK = {"choices": [{"delta": {"content": "Größe \u2028 \x85 \U0001f426"}}]}


async def read(pieces: Sequence[bytes], kind: str = "") -> list[Any]:
    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    headers = {"content-type": kind} if kind else {}
    response = httpx2.Response(200, headers=headers, content=stream())
    return [value async for values in batches_of(response) for value in values]


def event(value: Any, **how: Any) -> bytes:
    return b"data: " + json.dumps(value, **how).encode() + b"\n\n"


@pytest.mark.parametrize("kind", ["", "text/plain", "text/html", "application/json", "x/y"])
async def test_the_bytes_tell_the_form_and_not_the_content_type(kind: str) -> None:
    assert await read([json.dumps(CHUNK).encode()], kind) == [CHUNK, DONE]
    assert await read([event(CHUNK), b"data: [DONE]\n\n"], kind) == [CHUNK, DONE]


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + json.dumps(CHUNK).encode(),
        b"\n   \n" + json.dumps(CHUNK, indent=2).encode() + b"\n\n",
        event(CHUNK) + b"data: [DONE]\n\n",
        b"\xef\xbb\xbf" + event(CHUNK) + b"data: [DONE]\n\n",
        event(CHUNK, ensure_ascii=False) + b"data: [DONE]\n\n",
        event(CHUNK).replace(b"data: ", b"data:") + b"data:[DONE]\n\n",
        (event(CHUNK) + b"data: [DONE]\n\n").replace(b"\n", b"\r\n"),
        (event(CHUNK) + b"data: [DONE]\n\n").replace(b"\n", b"\r"),
        b": PROCESSING\n\n:\n\nevent: x\nid: 1\nretry: 5\n" + event(CHUNK) + b"data: [DONE]",
        b"data: \n\n" + event(CHUNK) + b"data: keep-alive\n\ndata: [DONE] \n\nrubbish",
        b"data: " + json.dumps(CHUNK, indent=1).encode().replace(b"\n", b"\ndata: ") + b"\n\n"
        b"data: [DONE]\n\n",
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_every_way_of_writing_it_is_read_in_pieces_of_any_size(
    body: bytes, size: int
) -> None:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    assert await read(pieces) == [CHUNK, DONE]


@pytest.mark.parametrize(
    "lost", [b"null", b"5", b"true", b'"x"', b"undefined", b"upstream connect error", b"\xff"]
)
async def test_an_event_without_an_object_is_said_to_be_lost(lost: bytes) -> None:
    body = event(CHUNK) + b"data: " + lost + b"\n\ndata: [DONE]\n\n"
    assert await read([body]) == [CHUNK, LOST, DONE]


@pytest.mark.parametrize(
    "alive",
    [
        b": PROCESSING", b": null", b"data:", b"data: keep-alive", b'data: "keep-alive"',
        b"data: ping", b"event: ping\ndata: null", b"event: keepalive\ndata: 5", b"retry: 5",
        b"data: OPENROUTER PROCESSING", b"data: : heartbeat",
    ],
)  # fmt: skip
async def test_a_keep_alive_is_no_lost_event(alive: bytes) -> None:
    body = event(CHUNK) + alive + b'\n\ndata: "[DONE]"\n\n'
    assert await read([body]) == [CHUNK, DONE]


async def test_a_stream_without_an_end_mark_is_not_done() -> None:
    assert await read([event(CHUNK)]) == [CHUNK]
    assert await read([event(CHUNK).rstrip()]) == [CHUNK]


async def test_lines_of_json_are_read_one_by_one() -> None:
    body = json.dumps(CHUNK).encode() + b"\n" + json.dumps({"done": True}).encode()
    assert await read([body]) == [CHUNK, {"done": True}, DONE]
    assert await read([b"data: " + body.replace(b"\n", b"\ndata: ") + b"\n\n"]) == [
        CHUNK,
        {"done": True},
    ]


async def test_an_error_event_is_an_error() -> None:
    body = b'event: error\ndata: {"message": "overloaded"}\n\n'
    assert await read([body]) == [{"error": {"message": "overloaded"}}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "nothing"),
        (b"  \n ", "nothing"),
        (b"<html><title>Bad gateway</title>", "text/x"),
        (b"Internal Server Error", "Internal"),
        (b'{"choices": [', "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b'data: {"choices": [\n\n', "broken JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "broken JSON"),
    ],
)
async def test_what_is_no_completion_is_said_to_be_none(body: bytes, said: str) -> None:
    with pytest.raises(BadResponse, match=said):
        await read([body], "text/x")


async def test_numbers_that_json_does_not_have_are_nothing() -> None:
    assert await read([b'{"cost": NaN, "b": [Infinity, -Infinity]}']) == [
        {"cost": None, "b": [None, None]},
        DONE,
    ]


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from([b"data: ", b"data:", b"event: error\n", b"\n", b"\r", b"\n\n", b"{", b"}",
                         b'"a"', b":", b"1", b"[DONE]", b"\xef\xbb\xbf", b"\xff", b"null", b" ",
                         b"[", b"]", b'{"a": 1}']) | st.binary(max_size=4),
        max_size=30,
    )
)  # fmt: skip
async def test_bytes_of_any_kind_are_values_or_one_known_error(pieces: list[bytes]) -> None:
    try:
        values = await read(pieces)
    except BadResponse:
        return
    assert all(value in (DONE, LOST) or isinstance(value, dict | list) for value in values)


@pytest.mark.parametrize("begin", [b"", b"data: "])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"choices": "' + b"x" * 17 * 2**20, "16 MiB in one piece"),
        (b'{"choices": [' + b"[]," * 400_000 + b"1]}\n\n", "300000 values in one piece"),
        (b'{"choices": ["' + b'\\"[' * 400_000 + b'"]}\n\n', None),
    ],
)
async def test_what_one_piece_may_hold_is_bounded(
    begin: bytes, body: bytes, said: str | None
) -> None:
    pieces = [begin + body[:20], *(body[at : at + 2**16] for at in range(20, len(body), 2**16))]
    if said is None:
        assert len((await read(pieces))[0]["choices"][0]) == 800_000
        return
    with pytest.raises(BadResponse, match=said):
        await read(pieces)


async def test_what_came_before_a_broken_event_is_read() -> None:
    found = list[Any]()

    async def stream() -> AsyncIterator[bytes]:
        yield event(CHUNK) + b"data: {broken\n\n"

    async def collect() -> None:
        async for values in batches_of(httpx2.Response(200, content=stream())):
            found.extend(values)

    with pytest.raises(BadResponse, match="broken JSON"):
        await collect()
    assert found == [CHUNK]
