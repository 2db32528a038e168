"""The connection to a real server: time, size, and what its end looks like from here."""

import sys
from collections import deque

import pytest

from langgraph_fusion.tools.mcp.connection import CallFailed, Connection, ServerUnavailable
from langgraph_fusion.tools.mcp.settings import ServerSettings
from langgraph_fusion.tools.mcp.transports import last_words
from tests.tools.mcp import real_server
from tests.tools.mcp.http_server import http_server

KEY = "library-key-123456"


def _library(how: str = "well", **given: object) -> Connection:
    values = {"command": sys.executable, "args": (real_server.__file__, how), **given}
    return Connection(ServerSettings.model_validate(values))


async def test_a_server_is_held_to_time_and_size_and_ended_when_it_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret-key")
    library = _library(timeout_s=2)
    assert {one.name for one in await library.tools()} > {"lend", "odd name/of.a tool"}
    shown = str(await library.call("environment", {}))
    assert "sk-or" not in shown
    assert "HOME=" in shown
    with pytest.raises(CallFailed, match="more than 4194304 bytes"):
        await library.call("odd name/of.a tool", {"n": 5_000_000})
    with pytest.raises(CallFailed, match="no answer in 2 s"):
        await library.call("slow", {})
    assert library.gone is None
    with pytest.raises(ServerUnavailable, match="neither a call in 2 s nor a ping"):
        await library.call("hang", {})
    with pytest.raises(ServerUnavailable, match="neither"):
        await library.call("lend", {"title": "Emma"})
    await library.close()


async def test_a_server_that_says_nothing_is_given_up() -> None:
    library = _library("silent", start_timeout_s=1)
    with pytest.raises(ServerUnavailable, match="did not start in 1 s"):
        await library.tools()
    await library.close()


async def test_a_server_at_an_address_gets_its_key_and_no_more_than_its_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with http_server(KEY) as served:
        url, headers = served.url, {"Authorization": "Bearer ${OUR_KEY}"}
        monkeypatch.setenv("OUR_KEY", KEY)
        library = Connection(ServerSettings(url=url, headers=headers, timeout_s=2))
        assert [one.name for one in await library.tools()] == ["lend", "copy"]
        assert "shelf 8" in str(await library.call("lend", {"title": "Emma"}))
        with pytest.raises(CallFailed, match="no answer in 2 s"):
            await library.call("copy", {})
        await library.close()
        monkeypatch.setenv("OUR_KEY", "wrong-key-1")
        locked = Connection(ServerSettings(url=url, headers=headers))
        with pytest.raises(ServerUnavailable, match="HTTP 401") as refused:
            await locked.tools()
        assert "wrong-key" not in str(refused.value)
        await locked.close()
    gone = Connection(ServerSettings(url=url))
    with pytest.raises(ServerUnavailable, match="cannot be reached"):
        await gone.tools()
    await gone.close()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", ""),
        ("starting\n\n", "starting"),
        ("Error: no access\nnpm notice\nnpm notice New version\nnpm notice\n", "Error: no access"),
        ("npm notice", "npm notice"),
        ("working\nnpm notice", "working"),
        ("Traceback (most recent call last):\n  x()\nKeyError: 'PATH'", "KeyError: 'PATH'"),
        ("npm error 404\nnpm error A complete log of this run can be found in x", "npm error 404"),
        ("Error: boom\n    at throwError (a.js:1:2)\n\nNode.js v20.1.0", "Error: boom"),
        ("invalid characters\nthe shelf fell down", "the shelf fell down"),
    ],
)  # fmt: skip
def test_the_last_words_of_a_server_are_those_that_name_its_fault(said: str, told: str) -> None:
    assert last_words(deque([said.encode()])) == told
