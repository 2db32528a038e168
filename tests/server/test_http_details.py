"""HTTP as real clients use it: HEAD, compressed bodies, both key headers, named web pages."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import cast
from tests.server.asking import body
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Serving

PAGE = "https://chat.example"
CHAT = "/v1/chat/completions"


def _http(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, timeout=60)


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/fusion", "/healthz", "/openapi.json"])
async def test_head_is_get_without_the_body(serving: Serving, path: str) -> None:
    served = await serving(cast())
    async with _http(served.url) as http:
        head, get = await http.head(path), await http.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


async def test_head_of_a_path_that_is_posted_to_is_405(serving: Serving) -> None:
    served = await serving(cast())
    async with _http(served.url) as http:
        assert (await http.head(CHAT)).status_code == 405


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)],
)
async def test_a_compressed_body_is_read(
    serving: Serving, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    served = await serving(cast(answer="It is 42."))
    async with _http(served.url) as http:
        reply = await http.post(
            CHAT,
            content=pack(json.dumps(body()).encode()),
            headers={"Content-Encoding": coding, "Content-Type": "application/json"},
        )
    assert reply.json()["choices"][0]["message"]["content"] == "It is 42."


@pytest.mark.parametrize(
    ("content", "coding", "status"),
    [
        (gzip.compress(b" " * 50_000_000), "gzip", 413),
        (gzip.compress(gzip.compress(b" " * 50_000_000)), "gzip", 400),
        (gzip.compress(json.dumps(body()).encode())[:-9], "gzip", 400),
        (b"no gzip at all", "gzip", 400),
        (b"{}", "br", 415),
        (b"{}", "gzip, gzip", 415),
    ],
)
async def test_a_bomb_a_damaged_body_and_an_unknown_compression_are_refused(
    serving: Serving, content: bytes, coding: str, status: int
) -> None:
    served = await serving(cast())
    headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
    async with _http(served.url) as http:
        reply = await http.post(CHAT, content=content, headers=headers)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]
    assert not served.models.requests


async def test_a_key_may_come_in_either_header(serving: Serving, tmp_path: Path) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    served = await serving(cast(), keys=tmp_path / "keys.db")
    token = ring.add("ada", Caps())
    accepted: list[dict[str, str]] = [
        {"Authorization": f"Bearer {token}"},
        {"authorization": f"bearer  {token}"},
        {"x-api-key": token},
        {"Authorization": "Basic abc", "x-api-key": token},
    ]
    refused: list[dict[str, str]] = [
        {"x-api-key": "fk-0-wrong"},
        {"Authorization": "Bearer fk-0-wrong", "x-api-key": token},
        {"x-api-key": ""},
    ]
    async with _http(served.url) as http:
        for headers in accepted:
            assert (await http.get("/v1/models", headers=headers)).status_code == 200, headers
        for headers in refused:
            assert (await http.get("/v1/models", headers=headers)).status_code == 401, headers


async def test_a_page_that_the_operator_names_may_ask_and_read(serving: Serving) -> None:
    served = await serving(cast(), cors_origins=(PAGE,))
    preflight = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
    }
    async with _http(served.url) as http:
        allowed = await http.options(CHAT, headers=preflight)
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == PAGE
        reply = await http.post(CHAT, json=body(), headers={"Origin": PAGE})
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == PAGE
        for other in ("https://evil.example", "https://chat.example.evil.example", "null"):
            refused: Any = await http.post(CHAT, json=body(), headers={"Origin": other})
            assert refused.status_code == 403
            assert "access-control-allow-origin" not in refused.headers


async def test_a_named_page_needs_a_key_where_keys_are_asked_for(
    serving: Serving, tmp_path: Path
) -> None:
    BlockingKeys(tmp_path / "keys.db").create()
    served = await serving(cast(), keys=tmp_path / "keys.db", cors_origins=(PAGE,))
    async with _http(served.url) as http:
        reply = await http.post(CHAT, json=body(), headers={"Origin": PAGE})
    assert reply.status_code == 401
    assert reply.headers["access-control-allow-origin"] == PAGE
