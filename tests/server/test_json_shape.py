"""Bodies that are cheap to send and dear to parse are refused while they come."""

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from langgraph_fusion.server.body_threads import LARGE
from langgraph_fusion.server.json_shape import MAX_DEPTH, MAX_VALUES, JsonShape
from tests.graph.cast import cast
from tests.server.asking import body
from tests.server.conftest import Serving

PLAIN = st.none() | st.booleans() | st.integers() | st.text('a"\\[]{},:é', max_size=12)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


def size(value: Any) -> int:
    """Commas and opening brackets, as the JSON of a value has them."""
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(0, len(value) - 1) + sum(size(one) for one in inner)


def depth(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((depth(one) for one in inner), default=0)


def feed(shape: JsonShape, pieces: list[bytes]) -> None:
    for one in pieces:
        shape.add(one)


@given(VALUES, st.integers(1, 40), st.booleans())
def test_what_is_counted_is_the_json_and_nothing_of_its_texts(
    value: Any, piece: int, escaped: bool
) -> None:
    shape = JsonShape()
    sent = json.dumps(value, ensure_ascii=escaped).encode()
    feed(shape, [sent[at : at + piece] for at in range(0, len(sent), piece)])
    assert shape._values == size(value)
    assert (shape._depth, shape._in_text) == (0, False)


@given(VALUES, st.integers(MAX_DEPTH - 6, MAX_DEPTH), st.integers(1, 40))
def test_nesting_is_followed_to_the_level(value: Any, around: int, piece: int) -> None:
    sent = b"[" * around + json.dumps(value).encode() + b"]" * around
    shape, pieces = JsonShape(), [sent[at : at + piece] for at in range(0, len(sent), piece)]
    if around + depth(value) <= MAX_DEPTH:
        feed(shape, pieces)
    else:
        with pytest.raises(HTTPException, match="levels deep"):
            feed(shape, pieces)


BOMBS = {
    "deep lists": b"[" * 4_000_000,
    "deep objects": b'{"a":' * 1_000_000,
    "wide": b"[" + b"1," * MAX_VALUES + b"1,1]",
    "many texts": b'"' * 7_000_000,
    "after a text of brackets": b'["' + b'[\\"' * 1000 + b'",' + b"[" * 200,
    "in UTF-16": json.dumps([[1]] * 200_000).encode("utf-16"),
    "in UTF-32": json.dumps([[1]] * 200_000).encode("utf-32-le"),
}
PATHS = ["/v1/chat/completions", "/v1/responses", "/v1/estimate", "/v1/runs", "/fusion/invoke"]


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_of_json_is_refused_at_every_door(serving: Serving, bomb: str) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        for path in [*PATHS, "/fusion/batch", "/mcp"]:
            headers = {
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
            }
            refused = await http.post(path, content=BOMBS[bomb], headers=headers)
            assert refused.status_code == 400, path
            assert len(refused.content) < 1000
        assert (await http.get("/healthz")).status_code == 200


async def test_a_long_text_full_of_brackets_is_only_a_text(serving: Serving) -> None:
    served = await serving(cast())
    turns = [{"role": "user", "content": '[{"a": 1},\\ ' * 200_000 + "What is it?"}]
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        reply = await http.post("/v1/estimate", json=body(messages=turns))
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("further", "field"),
    [
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"temperature": 9}, "temperature"),
        ({"fusion": {"panle": []}}, "panle"),
        ({"model": 5}, "model"),
    ],
)
async def test_a_large_body_is_told_the_same_error_as_a_small_one(
    serving: Serving, further: dict[str, Any], field: str
) -> None:
    served = await serving(cast())
    small = body(**further)
    large = small | {"user": "x" * 2 * LARGE}
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        told = [await http.post("/v1/chat/completions", json=one) for one in (small, large)]
        broken = b'{"model": "fusion", "user": "' + b"x" * 2 * LARGE
        no_json = [
            await http.post(
                "/v1/chat/completions", content=one, headers={"Content-Type": "application/json"}
            )
            for one in (broken[:100], broken)
        ]
    assert told[0].json() == told[1].json()
    assert field in told[0].json()["error"]["message"]
    assert no_json[0].json() == no_json[1].json()
    assert {one.status_code for one in (*told, *no_json)} == {400}
