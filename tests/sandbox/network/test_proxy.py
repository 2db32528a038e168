"""The allow-list proxy, over real sockets; then from inside a sandbox."""

import asyncio
import contextlib
import json
import secrets
import socket
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.network.addresses import NotAllowed, resolve_public
from langgraph_fusion.sandbox.network.exclusion import Exclusion
from langgraph_fusion.sandbox.network.lookups import Lookups
from langgraph_fusion.sandbox.network.proxy import MAX_CONNECTIONS, AllowListProxy
from langgraph_fusion.sandbox.network.proxy_request import is_excluded, parse_request
from langgraph_fusion.sandbox.owned_directories import (
    BUBBLEWRAP,
    ProxyDirectory,
    make_owned,
    remove_abandoned,
)


class Site:
    """A web server on loopback that keeps what it was sent."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = b"x" * (3 << 20) if b"/big" in head else b"page"
        self.received.append(head + (await reader.read(5) if b"POST" in head else b""))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async def resolve(self, host: str, port: int) -> tuple[str, int]:
        if host == "private.test":
            return await resolve_public("127.0.0.1", port)
        return "127.0.0.1", self.port


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    opened = Site()
    server = await asyncio.start_server(opened.answer, "127.0.0.1", 0)
    opened.port = server.sockets[0].getsockname()[1]
    yield opened
    server.close()


@pytest.fixture
async def socket_path(site: Site) -> AsyncIterator[Path]:
    proxy = AllowListProxy(
        ["allowed.test", "*.below.test", "private.test"],
        exclude=["https://bad.below.test/some/page", "worse.below.test"],
        max_bytes=2 << 20,
        resolve=site.resolve,
    )
    directory = Path(await proxy.start())
    assert [entry.name for entry in directory.iterdir()] == ["proxy.sock"]
    assert directory.parent.stat().st_mode & 0o077 == 0
    yield directory / "proxy.sock"
    await proxy.close()
    await proxy.close()
    assert not directory.parent.exists()


async def ask(path: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


def get(url: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {url} HTTP/1.1", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    "host", ["allowed.test", "a.below.test", "a.b.below.test", "ALLOWED.test.", "%61llowed.test"]
)
async def test_an_allowed_host_answers(socket_path: Path, site: Site, host: str) -> None:
    answer = await ask(socket_path, get(f"http://{host}/p?q=1"))
    assert answer.endswith(b"page")
    assert site.received[0].startswith(b"GET /p?q=1 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("http://other.test/"),
        get("http://below.test/"),
        get("http://xallowed.test/"),
        get("http://allowed.test.other.test/"),
        get("http://allowed.test@other.test/"),
        get("http://private.test/"),
        get("http://169.254.169.254/latest/meta-data"),
        get("http://allowed.test:8080/"),
        get("http://bad.below.test/"),
        get("http://really.worse.below.test/"),
        get("https://allowed.test/"),
        get("ftp://allowed.test/"),
        get("/"),
        b"CONNECT allowed.test:22 HTTP/1.1\r\n\r\n",
        b"CONNECT other.test:443 HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:443 HTTP/1.1\r\n\r\n",
        b"CONNECT allowed.test:443@other.test HTTP/1.1\r\n\r\n",
        *(
            b"CONNECT " + name + b":443 HTTP/1.1\r\n\r\n"
            for name in (
                *(b"127.0.0.1\0.below.test", b"evil\0.below.test", b"evil.test/.below.test"),
                *(b"evil.test\t.below.test", b"evil.test\n.below.test", b"evil.test%00.below.test"),
                *(b"evil.test?.below.test", b"evil.test#.below.test", b"evil.test\\.below.test"),
                *(
                    b"x@a.below.test",
                    b".below.test",
                    b"a..below.test",
                    b"a.below.test..",
                    b"*.test",
                ),
                *(b"bad.below.test", b"BAD.below.test.", b"%62ad.below.test", b"a.bad.below.test"),
                *(b"[::1]", b"[::ffff:127.0.0.1]", b"2130706433", b"0177.1", b"a_b.below.test"),
            )
        ),
        b"CONNECT allowed.test:4_4_3 HTTP/1.1\r\n\r\n",
        b"CONNECT allowed.test:+443 HTTP/1.1\r\n\r\n",
        b"CONNECT http://allowed.test:443 HTTP/1.1\r\n\r\n",
        b"connect allowed.test:443 HTTP/1.1\r\n\r\n",
        b"GET http://allowed.test/ HTTP/2.0\r\n\r\n",
        get("http://allowed.test/", "Content-Length: " + "9" * 5000),
        get("http://allowed.test/", "Content-Length: +3"),
        get("http://allowed.test/", "Content-Length: 3, 3"),
        get("http://allowed.test/", "Content_Length: 3"),
        get("http://allowed.test/", "Transfer_Encoding: chunked"),
        get("http://allowed.test/\x1b[2J"),
        b"\x16\x03\x01garbage\r\n\r\n",
        get("http://allowed.test/", "Bad Header: x"),
        get("http://allowed.test/", "Content-Length: 1", "Content-Length: 2"),
        get("http://allowed.test/", "Transfer-Encoding: chunked"),
    ],
)
async def test_everything_else_is_refused(
    socket_path: Path, site: Site, request_bytes: bytes
) -> None:
    assert (await ask(socket_path, request_bytes)).startswith(b"HTTP/1.1 403")
    assert site.received == []


async def test_the_host_a_request_was_allowed_for_is_the_one_it_names(
    socket_path: Path, site: Site
) -> None:
    await ask(socket_path, get("http://allowed.test/", "Host: other.test", "Proxy-Auth: secret"))
    assert b"Host: allowed.test\r\n" in site.received[0]
    assert b"other.test" not in site.received[0]
    assert b"secret" not in site.received[0]


async def test_nothing_follows_a_request_but_its_body(socket_path: Path, site: Site) -> None:
    post = b"POST http://allowed.test/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    await ask(socket_path, post + get("http://other.test/"))
    assert site.received[0].endswith(b"\r\n\r\nabc")
    assert len(site.received) == 1


async def test_a_tunnel_carries_both_ways(socket_path: Path, site: Site) -> None:
    reader, writer = await asyncio.open_unix_connection(socket_path)
    writer.write(b"CONNECT allowed.test:443 HTTP/1.1\r\n\r\n")
    assert b"200" in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert (await reader.read()).endswith(b"page")
    writer.close()


async def test_the_allowance_ends(socket_path: Path) -> None:
    answer = await ask(socket_path, get("http://allowed.test/big"))
    assert len(answer) <= 2 << 20
    assert (await ask(socket_path, get("http://allowed.test/"))).startswith(b"HTTP/1.1 403")


async def test_a_function_may_exclude(site: Site) -> None:
    proxy = AllowListProxy(
        ["allowed.test"],
        exclude=lambda url: url == "http://allowed.test/secret",
        max_bytes=1000,
        resolve=site.resolve,
    )
    path = Path(await proxy.start()) / "proxy.sock"
    assert (await ask(path, get("http://allowed.test/secret"))).startswith(b"HTTP/1.1 403")
    assert (await ask(path, get("http://allowed.test/open"))).endswith(b"page")
    await proxy.close()


async def test_a_name_that_means_this_machine_is_not_allowed() -> None:
    for host in ("localhost", "127.0.0.1", "::1", "169.254.169.254", "0x7f.1", "LOCALHOST."):
        with pytest.raises(NotAllowed, match="not public"):
            await resolve_public(host, 80)
    for host in ("93.184.215.14\0.below.test", "127.0.0.1\0.below.test", "fe80::1%lo", "1.2.3.4 x"):
        with pytest.raises(NotAllowed, match="no host"):
            await resolve_public(host, 80)


RULES = [
    *(
        "bad.below.test",
        "BAD.below.test",
        "bad.below.test.",
        "https://bad.below.test./x",
        "below.test",
    ),
    *("bad.below.test//x", "bad.below.test/a//b", "www.bad.below.test", "%62ad.below.test"),
    *("bad.below.test:443", "bücher.test", "xn--bcher-kva.test", "www.test", "other.test"),
]


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_keeps_from_fetching_it_keeps_from_the_proxy(rule: str) -> None:
    exclusion = Exclusion([rule])
    for host in ("bad.below.test", "a.bad.below.test", "xn--bcher-kva.test", "allowed.test"):
        pages = ("", "x", "a/b/x", "a/b")
        fetching = any(exclusion.match(f"https://{host}/{page}") for page in pages)
        tunnel = parse_request(b"CONNECT %s:443 HTTP/1.1\r\n\r\n" % host.encode())
        assert is_excluded(tunnel, [rule]) == fetching, host


async def test_a_refusal_says_no_more_than_a_plain_name(
    socket_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        for name in (b"\x1bcevil", b"a\x1b(0b", b"\xc2\x9b31m", b"%1b%5b2J.test"):
            answer = await ask(socket_path, b"CONNECT " + name + b":443 HTTP/1.1\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 403")
            assert b"\x1b" not in answer
    assert "\x1b" not in caplog.text


async def test_heads_use_up_the_allowance(socket_path: Path, site: Site) -> None:
    head = get("http://allowed.test/?" + "s" * 15_000)
    answers = [await ask(socket_path, head) for _ in range(160)]
    assert answers[-1].startswith(b"HTTP/1.1 403")
    assert sum(map(len, site.received)) <= 2 << 20


async def test_connections_that_say_nothing_cost_a_bounded_number_of_descriptors(
    socket_path: Path,
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    opened = []
    for _ in range(100):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(socket_path))
        opened.append(client)
    for _ in range(50):
        await asyncio.sleep(0)
    ours = len(list(Path("/proc/self/fd").iterdir())) - before - len(opened)
    assert MAX_CONNECTIONS - 1 <= ours <= MAX_CONNECTIONS
    for client in opened:
        client.close()
    answer = await ask(socket_path, get("http://allowed.test/"))
    assert answer.endswith(b"page")


async def test_slow_names_keep_no_more_threads_than_allowed() -> None:
    released, waiting = threading.Event(), [0]

    def slow(*_: object, **__: object) -> list[object]:
        waiting[0] += 1
        released.wait()
        return []

    lookups = Lookups(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", slow)
        asking = [asyncio.ensure_future(lookups.of(f"{n}.test", 80)) for n in range(20)]
        await asyncio.sleep(0.05)
        for task in asking[:10]:
            task.cancel()
        await asyncio.sleep(0.05)
        assert waiting[0] == 2
        assert await asyncio.to_thread(lambda: "the others' threads work on")
        released.set()
        await asyncio.gather(*asking, return_exceptions=True)


def test_abandoned_folders_are_removed_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine, dead, foreign = (ProxyDirectory.make() for _ in range(3))
    other_dead = make_owned(BUBBLEWRAP)
    identity = json.loads((dead.outer / "owner.json").read_text())
    for folder in (dead.outer, other_dead):
        (folder / "owner.json").write_text(json.dumps(identity | {"started": "1"}))
    (foreign.outer / "owner.json").write_text(json.dumps(identity | {"scope": ""}))
    assert remove_abandoned() == 2
    assert not dead.outer.exists()
    assert not other_dead.exists()
    assert mine.visible.exists()
    assert foreign.visible.exists()


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_a_sandbox_reaches_allowed_hosts_and_nothing_else(site: Site) -> None:
    settings = SandboxSettings(allow_hosts=("allowed.test", "private.test"), max_download_mb=1)
    run_id = f"tests-{secrets.token_hex(4)}"
    async with SandboxPool(settings, run_id=run_id, members=1, resolve=site.resolve) as pool:
        sandbox = pool.start("A")

        async def status_of(url: str, *options: str) -> str:
            command = f"curl -s -m 5 -o /dev/null -w '%{{http_code}}' {' '.join(options)} {url}"
            return (await sandbox.run(command)).output

        assert (await sandbox.run("curl -s http://allowed.test/")).output == "page"
        assert await status_of("http://other.test/") == "403"
        assert await status_of("http://private.test/") == "403"
        assert await status_of("http://169.254.169.254/") == "403"
        assert await status_of("http://allowed.test/", "--noproxy '*'") == "000"
        for harm in ("ls /run/proxy", "cd /run/proxy/socket", "pkill -f /opt/sbx/forward"):
            assert (await sandbox.run(harm)).exit_code != 0
        assert (await sandbox.run("curl -s http://allowed.test/")).output == "page"
