"""The allow-list proxy, over real sockets; then from inside a sandbox."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.addresses import NotAllowed, is_public, resolve_public
from langgraph_fusion.sandbox.proxy import AllowListProxy


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
    "host", ["allowed.test", "a.below.test", "a.b.below.test", "ALLOWED.test."]
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


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_hosts_on_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public


async def test_a_name_that_means_this_machine_is_not_allowed() -> None:
    for host in ("localhost", "127.0.0.1", "::1", "169.254.169.254"):
        with pytest.raises(NotAllowed, match="not public"):
            await resolve_public(host, 80)


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
        result = await sandbox.run(
            "rm -f /run/proxy/proxy.sock; touch /run/proxy/x; pkill -f forward; ls /run/proxy"
        )
        assert result.output.endswith("proxy.sock\n")
        assert (await sandbox.run("curl -s http://allowed.test/")).output == "page"
