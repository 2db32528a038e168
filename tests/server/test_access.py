"""Every route by every kind of key: who gets in, and that no route is left out of the table."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from starlette.routing import Route

from langgraph_fusion.server.app import create_app
from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import WRITER, cast
from tests.scripted import Reply, Seen, text, tool_calls
from tests.server.asking import PANEL, body, until
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Served, Serving
from tests.server.mcp_clients import over_http, text_of
from tests.server.runs.following import follow, start

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # LangServe calls what is old
]
Who = Literal["anyone", "clients", "metrics"]
Headers = list[tuple[str, str]]
_TURN = {"messages": [{"type": "human", "content": "What is it?"}]}
_CONFIGURED = {"config": {"configurable": {k: v for k, v in PANEL.items() if k != "tools"}}}
_RESPONSE: dict[str, Any] = {"model": "fusion", "input": "What is it?", "fusion": PANEL}
_PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
_ID = "resp_" + "0" * 32


@dataclass(frozen=True)
class Row:
    """A route, who may use it, and a request that it answers."""

    who: Who
    sent: Any = None
    is_own: bool = False
    """Whether it shows what belongs to one client: another one is told that it is not there."""
    own_status: int = 200
    """What its owner gets, in the test that asks for what has ended."""


def _langserve(prefix: str) -> dict[tuple[str, str], Row]:
    single = {"input": _TURN} | _CONFIGURED
    gets = ("input_schema", "output_schema", "config_schema", "playground/{file_path:path}")
    posts = {
        "invoke": single, "stream": single, "stream_log": single, "stream_events": single,
        "batch": {"inputs": [_TURN]} | _CONFIGURED,
    }  # fmt: skip
    rows = {("GET", f"{prefix}/{name}"): Row("clients") for name in gets}
    return rows | {
        ("POST", f"{prefix}/{name}"): Row("clients", sent) for name, sent in posts.items()
    }


TABLE: Mapping[tuple[str, str], Row] = {
    ("GET", "/"): Row("anyone"),
    ("GET", "/runs/{run_id}"): Row("anyone"),  # which leads strangers to the page above
    ("GET", "/static/{name}"): Row("anyone"),
    ("POST", "/session"): Row("anyone"),
    ("POST", "/session/end"): Row("anyone"),
    ("POST", "/v1/runs"): Row("clients", body()),
    ("GET", "/v1/runs"): Row("clients"),
    ("GET", "/v1/runs/{run_id}"): Row("clients", is_own=True),
    ("DELETE", "/v1/runs/{run_id}"): Row("clients", is_own=True),
    ("GET", "/v1/runs/{run_id}/events"): Row("clients", is_own=True),
    ("GET", "/v1/runs/{run_id}/report"): Row("clients", is_own=True),
    ("POST", "/v1/runs/{run_id}/cancel"): Row("clients", is_own=True, own_status=409),
    ("POST", "/v1/runs/{run_id}/resume"): Row("clients", is_own=True, own_status=409),
    ("POST", "/v1/runs/{run_id}/steer"): Row(
        "clients", {"action": "answer_now"}, is_own=True, own_status=409
    ),
    ("POST", "/v1/responses/{response_id}/cancel"): Row("clients", is_own=True, own_status=400),
    ("GET", "/docs"): Row("anyone"),
    ("GET", "/openapi.json"): Row("anyone"),
    ("HEAD", "/openapi.json"): Row("anyone"),
    ("GET", "/healthz"): Row("anyone"),
    ("GET", "/readyz"): Row("anyone"),
    ("GET", "/metrics"): Row("metrics"),
    ("POST", "/v1/chat/completions"): Row("clients", body()),
    ("POST", "/v1/responses"): Row("clients", _RESPONSE),
    ("POST", "/v1/estimate"): Row("clients", body()),
    ("GET", "/v1/models"): Row("clients"),
    ("GET", "/v1/models/{model:path}"): Row("clients"),
    ("GET", "/v1/responses/{response_id}"): Row("clients", is_own=True),
    ("GET", "/v1/responses/{response_id}/input_items"): Row("clients", is_own=True),
    ("DELETE", "/v1/responses/{response_id}"): Row("clients", is_own=True),
    ("GET", "/mcp"): Row("clients"),
    ("POST", "/mcp"): Row("clients", _PING),
    ("DELETE", "/mcp"): Row("clients"),
    **_langserve("/fusion"),
    ("POST", "/fusion/token_feedback"): Row("clients", {}),
}  # fmt: skip
"""Whoever adds a route adds its row; left out, the first test below fails."""


def _routes(routes: Any) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for route in routes:
        included = getattr(route, "original_router", None)  # what `include_router` adds
        if included is not None:
            assert not route.include_context.prefix
            found |= _routes(included.routes)
            continue
        assert isinstance(route, Route), f"{route}: a kind of route the table cannot hold"
        found |= {(method, route.path) for method in route.methods or ()}
    return found


def _path(template: str) -> str:
    for name, value in {
        "{model:path}": "fusion/offline",
        "{response_id}": _ID,
        "{file_path:path}": "",
        "{run_id}": "0" * 12,
        "{name}": "page.css",
    }.items():
        template = template.replace(name, value)
    return template


def test_every_route_has_its_row_and_every_row_its_route() -> None:
    assert _routes(create_app().routes) == set(TABLE)


@pytest.fixture
def ring(tmp_path: Path) -> BlockingKeys:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    return ring


class Asking:
    """Sends requests and reads the status alone: MCP's streams do not end."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def status(self, method: str, path: str, sent: Any, headers: Headers) -> int:
        accept = ("Accept", "application/json, text/event-stream")
        async with self._http.stream(
            method, path, json=sent, headers=httpx2.Headers([accept, *headers])
        ) as response:
            return response.status_code


@asynccontextmanager
async def asking(served: Served) -> AsyncIterator[Asking]:
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        yield Asking(http)


def _bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")]


async def test_each_kind_of_key_opens_what_the_table_says(
    serving: Serving, ring: BlockingKeys, tmp_path: Path
) -> None:
    served = await serving(cast(), keys=tmp_path / "keys.db", runs=str(tmp_path / "runs.db"))
    client, metrics = ring.add("ada", Caps()), ring.add("prometheus", Caps(), for_metrics=True)
    gone = ring.add("gone", Caps())
    ring.remove("gone")
    outsiders: list[Headers] = [
        [], _bearer("fk-wrong"), _bearer(gone), _bearer(client[:-1]), _bearer(client + "x"),
        [("Authorization", f"Basic {client}")], [("Authorization", client)],
        [("x-api-key", "none")], [("Cookie", f"key={client}")],
        [*_bearer(client), *_bearer(gone)], [("x-api-key", client), ("x-api-key", gone)],
    ]  # fmt: skip
    async with asking(served) as http:
        for (method, template), row in TABLE.items():
            path, sent = _path(template), row.sent
            # What the row before has started goes on without its connection.
            await until(lambda: served.state.manager.admission.admitted == 0)
            before = len(served.models.requests)
            for headers in outsiders:
                status = await http.status(method, path, sent, headers)
                assert (status == 401) == (row.who != "anyone"), (method, path, headers, status)
            status = await http.status(method, path, sent, _bearer(metrics))
            assert (status == 403) == (row.who == "clients"), (method, path, status)
            assert len(served.models.requests) == before
            status = await http.status(method, path, sent, _bearer(client))
            assert (status == 403) == (row.who == "metrics"), (method, path, status)
            assert status not in (401, 500), (method, path)
    assert served.models.requests, "no run was ever started by the right key"


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
async def test_a_key_may_come_in_either_header_and_in_odd_forms(
    header: str, serving: Serving, ring: BlockingKeys, tmp_path: Path
) -> None:
    served = await serving(cast(), keys=tmp_path / "keys.db")
    token = ring.add("ada", Caps())
    forms = [token]
    if header == "Authorization":
        forms = [f"Bearer {token}", f"bearer   {token}", f"BEARER {token}"]
    async with asking(served) as http:
        for form in forms:
            assert await http.status("GET", "/v1/models", None, [(header, form)]) == 200
        twice = [(header, forms[0])] * 2
        assert await http.status("GET", "/v1/models", None, twice) == 200


_METHODS = (
    "OPTIONS", "HEAD", "TRACE", "CONNECT", "PUT", "PATCH", "PROPFIND", "get", "G\tET", "\u0130",
)  # fmt: skip


async def test_no_method_opens_a_route_or_starts_anything(
    serving: Serving, ring: BlockingKeys, tmp_path: Path
) -> None:
    """Every path with every other method: shut without a key, and with one nothing happens."""
    served = await serving(cast(), keys=tmp_path / "keys.db", runs=str(tmp_path / "runs.db"))
    key = f"Authorization: Bearer {ring.add('ada', Caps())}\r\n"
    shut = {_path(path) for (_, path), row in TABLE.items() if row.who != "anyone"}
    for path in sorted({_path(path) for _, path in TABLE}):
        for method in _METHODS:
            if (method, path) in TABLE:
                continue
            for headers in ("", key):
                line = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
                told = await _raw(served, line.encode())
                status = int(told.split(b" ")[1])
                assert status < 500, (method, path, told)
                assert headers or path not in shut or status in (400, 401), (method, path, told)
                assert b"fk-" not in told, "no method shows a key back"
    assert not served.models.requests
    assert not served.state.manager.shutdown.runs


TRICKS = (
    "//v1/models", "/v1//models", "/V1/models", "/v1/models/", "/v1/models;x", "/v1/%6dodels",
    "/healthz/../v1/models", "/healthz/..%2fv1/models", "/./v1/models", "/healthz%2f..%2fv1/models",
    "/v1/models%00", "/v1/models%0a", "/metrics%0a", "/metrics/", "//metrics", "/%6detrics",
    "/docs/../metrics", "/healthz;/../v1/models", "/v1/models?/healthz", "/metrics#/healthz",
    "/healthz%0a", "/mcp/", "/mcp%0a", "/fusion/playground/../../v1/models", "/fusion/c/x/invoke",
)  # fmt: skip


async def _raw(served: Served, request: bytes) -> bytes:
    """Bytes as they are: clients tidy up paths and headers."""
    host, port = served.url.removeprefix("http://").split(":")
    reads, writes = await asyncio.open_connection(host, int(port))
    try:
        writes.write(request)
        await writes.drain()
        async with asyncio.timeout(30):
            return await reads.readuntil(b"\r\n\r\n")
    finally:
        writes.close()


@pytest.mark.parametrize("trick", TRICKS)
async def test_no_spelling_of_a_path_goes_around_the_key(
    trick: str, serving: Serving, ring: BlockingKeys, tmp_path: Path
) -> None:
    served = await serving(cast(), keys=tmp_path / "keys.db")
    client = ring.add("ada", Caps())
    path = trick.partition("#")[0].encode()
    for target in (path, b"http://x" + path):
        head = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        assert b" 401 " in (await _raw(served, head + b"\r\n")).split(b"\r\n")[0]
    key = f"Authorization: Bearer {client}\r\n".encode()
    told = await _raw(served, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n" + key + b"\r\n")
    if b"metrics" in path:
        assert b" 200 " not in told.split(b"\r\n")[0]


async def test_what_one_key_has_stored_is_not_there_for_another(
    serving: Serving, ring: BlockingKeys, tmp_path: Path
) -> None:
    served = await serving(cast(), keys=tmp_path / "keys.db", runs=str(tmp_path / "runs.db"))
    ada, eve = ring.add("ada", Caps()), ring.add("eve", Caps())
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        sent = _RESPONSE | {"store": True}
        made = await http.post("/v1/responses", json=sent, headers=dict(_bearer(ada)))
        id = made.json()["id"]
        run_id = await start(http, "", headers=dict(_bearer(ada)))
        await follow(http, "", run_id, headers=dict(_bearer(ada)))
        own = [key for key, row in TABLE.items() if row.is_own]
        assert own
        for method, template in sorted(own, reverse=True):  # DELETE last
            path = template.replace("{response_id}", id).replace("{run_id}", run_id)
            sent_too = {"json": TABLE[method, template].sent} if method == "POST" else {}
            refused = await http.request(method, path, headers=dict(_bearer(eve)), **sent_too)
            assert refused.status_code == 404
            assert "What is it?" not in refused.text
        more = {"input": "And?", "previous_response_id": id}
        refused = await http.post("/v1/responses", json=sent | more, headers=dict(_bearer(eve)))
        assert refused.status_code == 400
        for method, template in sorted(own, reverse=True):
            path = template.replace("{response_id}", id).replace("{run_id}", run_id)
            row = TABLE[method, template]
            sent_too = {"json": row.sent} if method == "POST" else {}
            shown = await http.request(method, path, headers=dict(_bearer(ada)), **sent_too)
            assert shown.status_code == row.own_status, (method, template, shown.text)


LOOKUP = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}


async def test_a_run_and_its_call_ids_are_of_no_use_to_another_key(
    serving: Serving, ring: BlockingKeys, tmp_path: Path
) -> None:
    def writer(seen: Seen) -> Reply:
        return text("It is 42.") if seen.tool_results else tool_calls([("lookup", {"id": 7})])

    script = cast({WRITER: writer})
    served = await serving(script, keys=tmp_path / "keys.db", runs=str(tmp_path / "runs.db"))
    ada, eve = ring.add("ada", Caps()), ring.add("eve", Caps())
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        sent = body(tools=[LOOKUP])
        path = "/v1/chat/completions"
        first = (await http.post(path, json=sent, headers=dict(_bearer(ada)))).json()
        message, run_id = first["choices"][0]["message"], first["fusion"]["run_id"]
        call_id = message["tool_calls"][0]["id"]
        assert run_id in call_id
        result = {"role": "tool", "tool_call_id": call_id, "content": "42"}
        sent = sent | {"messages": [*sent["messages"], message, result]}
        theirs = (await http.post(path, json=sent, headers=dict(_bearer(eve)))).json()
        assert theirs["fusion"]["run_id"] != run_id
        async with over_http(f"{served.url}/mcp", eve) as session:
            for id in (run_id, run_id[::-1], "0" * 12):
                refused = await session.call_tool("resume", {"run_id": id})
                assert refused.isError
                assert "there is no run" in text_of(refused)
        own = (await http.post(path, json=sent, headers=dict(_bearer(ada)))).json()
        assert own["fusion"]["run_id"] == run_id


FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "http://localhost@evil.example"},
    {"Origin": "http://evil.example:80", "Host": "evil.example:80"},
    {"Origin": ""},
    {"Host": "evil.example"},
    {"Host": "localhost.evil.example:8000"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "127.0.0.1@evil.example"},
    {"Host": "evil.example#127.0.0.1"},
    {"Host": "evil.example/127.0.0.1"},
    {"Host": "[::1].evil.example"},
    {"Host": "xn--lcalhost-n1a"},
)


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_reaches_no_route_of_a_keyless_server_and_no_body_is_read(
    headers: dict[str, str], serving: Serving
) -> None:
    """Not one byte of the body is sent, and `100 Continue` would ask for it."""
    served = await serving(cast())
    own = served.url.removeprefix("http://")
    for method, template in TABLE:
        lines = {"Host": own, "Expect": "100-continue", "Content-Length": "8000000"} | headers
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        request = f"{method} {_path(template)} HTTP/1.1\r\n{head}\r\n".encode()
        first = (await _raw(served, request)).split(b"\r\n")[0]
        assert b" 403 " in first, (method, template, first)
    assert not served.models.requests


async def test_two_hosts_or_two_origins_are_refused(serving: Serving) -> None:
    served = await serving(cast())
    own = served.url.removeprefix("http://")
    for twice in (
        f"Host: {own}\r\nOrigin: http://localhost\r\nOrigin: https://evil.example",
        f"Host: {own}\r\nOrigin: https://evil.example\r\nOrigin: http://localhost",
    ):
        told = await _raw(served, f"GET /v1/models HTTP/1.1\r\n{twice}\r\n\r\n".encode())
        assert b" 403 " in told.split(b"\r\n")[0]
    for first, second in ((own, "evil.example"), ("evil.example", own)):
        hosts = f"GET /v1/models HTTP/1.1\r\nHost: {first}\r\nHost: {second}\r\n\r\n"
        told = await _raw(served, hosts.encode())
        assert told.split(b"\r\n")[0].split(b" ")[1] in (b"400", b"403")


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("127.0.0.1:8000", {}),
        ("localhost:8000", {}),
        ("LOCALHOST", {}),
        ("[::1]:8000", {}),
        ("192.168.1.7:8000", {}),
        ("fusion:8000", {"allowed_hosts": ("fusion",)}),
        ("Chat.Example.:443", {"allowed_hosts": ("chat.example",)}),
        ("any.example", {"allowed_hosts": ("*",)}),
    ],
)
async def test_names_that_no_other_site_has_or_that_the_operator_gives_are_answered(
    name: str, config: Any, serving: Serving
) -> None:
    served = await serving(cast(), **config)
    for origin in (None, f"http://{name}" if "*" not in config.get("allowed_hosts", ()) else None):
        head = f"GET /v1/models HTTP/1.1\r\nHost: {name}\r\n"
        head += f"Origin: {origin}\r\n" if origin and not origin.endswith(".:443") else ""
        told = await _raw(served, f"{head}\r\n".encode())
        assert b" 200 " in told.split(b"\r\n")[0]


@pytest.mark.parametrize("origins", [("https://chat.example",), ("*",)])
async def test_pages_that_the_operator_names_may_ask(
    origins: tuple[str, ...], serving: Serving
) -> None:
    served = await serving(cast(), cors_origins=origins)
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        headers = {"Origin": "https://chat.example"}
        told = await http.post("/v1/chat/completions", json=body(), headers=headers)
        assert told.status_code == 200
        headers = {"Origin": "https://evil.example"}
        told = await http.post("/v1/chat/completions", json=body(), headers=headers)
        assert told.status_code == (200 if origins == ("*",) else 403)


async def test_with_keys_any_page_and_any_name_may_ask(
    serving: Serving, ring: BlockingKeys, tmp_path: Path
) -> None:
    served = await serving(cast(), keys=tmp_path / "keys.db")
    headers = [*_bearer(ring.add("ada", Caps())), ("Origin", "https://x.example"), ("Host", "a.b")]
    async with asking(served) as http:
        assert await http.status("GET", "/v1/models", None, headers) == 200
