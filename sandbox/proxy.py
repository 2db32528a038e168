"""The only way out of a sandbox, when there is one: an HTTP proxy with a list of allowed hosts.

It listens on a Unix socket that the container sees read-only. It connects to listed hosts only, on
ports 80 and 443, at public addresses only, and moves a bounded number of bytes.

Not covered: an allowed host can be asked anything, and receives whatever a command sends it; a host
that serves other names at the same address (a content network) can be asked for those over TLS.
"""

import asyncio
import contextlib
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from langgraph_fusion.sandbox.addresses import NotAllowed, Resolver, resolve_public

log = logging.getLogger(__name__)

# Prefixes of URLs, bare domains, or a function that says whether a URL is excluded.
Exclude = Sequence[str] | Callable[[str], bool]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PORTS = {"http": 80, "https": 443}
MAX_HEAD_BYTES = 16 * 1024
HEAD_WITHIN_S = 10
CONNECT_WITHIN_S = 15
MAX_CONNECTIONS = 16
CHUNK = 1 << 16
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
# Ours to say, or only meant for a proxy.
DROPPED_HEADERS = ("host", "connection", "keep-alive", "upgrade", "expect", "te", "trailer")


@dataclass(frozen=True)
class Request:
    """What a command asked the proxy for."""

    method: str
    scheme: str
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...]

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"


class AllowListProxy:
    """One member's proxy, from `start` to `close`.

    Args:
        allow_hosts: Host names; `*.example.org` means every name below example.org.
        exclude: What may not be fetched although its host is allowed. A TLS connection shows no
            path, so a prefix of a URL excludes its whole host.
        max_bytes: Bytes to move, both ways together, before everything is refused.
        resolve: How to find an allowed host's address.
    """

    def __init__(
        self,
        allow_hosts: Sequence[str],
        *,
        exclude: Exclude = (),
        max_bytes: int,
        resolve: Resolver = resolve_public,
    ) -> None:
        self._allowed = [host.lower() for host in allow_hosts]
        self._exclude = exclude
        self._bytes_left = max_bytes
        self._resolve = resolve
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._private: Path | None = None

    async def start(self) -> str:
        """Listen; the directory to show to the container, which holds nothing but the socket."""
        # The outer directory keeps other users of this host out; the container sees the inner one.
        self._private = Path(tempfile.mkdtemp(prefix="fusion-proxy-"))
        directory = self._private / "proxy"
        directory.mkdir(mode=0o755)
        directory.chmod(0o755)
        path = directory / "proxy.sock"
        self._server = await asyncio.start_unix_server(self._accept, path, limit=MAX_HEAD_BYTES)
        path.chmod(0o666)
        return str(directory)

    async def close(self) -> None:
        """Stop listening and end every connection; doing so twice is fine."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            async with self._free:
                await self._serve((reader, writer))
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            log.debug("a sandbox broke off its proxy connection")
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, near: Streams) -> None:
        async with asyncio.timeout(HEAD_WITHIN_S):
            head = await near[0].readuntil(b"\r\n\r\n")
        try:
            request = parse_request(head)
            self._check(request)
            far = await self._connect(request)
        except NotAllowed as refusal:
            log.info("sandbox proxy refused: %s", refusal)
            await refuse(near[1], str(refusal))
            return
        log.info("sandbox proxy: %s %s:%d", request.method, request.host, request.port)
        try:
            await self._relay(request, near, far)
        finally:
            far[1].close()

    def _check(self, request: Request) -> None:
        if self._bytes_left <= 0:
            raise NotAllowed("the sandbox has used up its network allowance")
        if not any(matches(pattern, request.host) for pattern in self._allowed):
            raise NotAllowed(f"{request.host} is not on the sandbox's list of allowed hosts")
        if request.port != PORTS[request.scheme]:
            raise NotAllowed(f"port {request.port} is not allowed")
        if is_excluded(request, self._exclude):
            raise NotAllowed(f"{request.host} is excluded from this run")

    async def _connect(self, request: Request) -> Streams:
        address, port = await self._resolve(request.host, request.port)
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                return await asyncio.open_connection(address, port)
        except OSError as error:
            raise NotAllowed(f"{request.host} does not answer") from error

    async def _relay(self, request: Request, near: Streams, far: Streams) -> None:
        if request.method == "CONNECT":
            near[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(self._copy(near[0], far[1]), self._copy(far[0], near[1]))
            return
        far[1].write(rewritten_head(request))
        # Not a byte more than the body: what follows would be a request nobody has checked.
        sending = asyncio.create_task(self._copy(near[0], far[1], body_length(request), end=False))
        try:
            await self._copy(far[0], near[1])
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def _copy(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        most: int | None = None,
        *,
        end: bool = True,
    ) -> None:
        left = CHUNK if most is None else most
        while left and (data := await source.read(min(CHUNK, left))):
            self._bytes_left -= len(data)
            if self._bytes_left < 0:
                log.info("sandbox proxy: network allowance used up")
                target.transport.abort()
                raise ConnectionAbortedError
            if most is not None:
                left -= len(data)
            target.write(data)
            await target.drain()
        if end:
            target.write_eof()


def parse_request(head: bytes) -> Request:
    """What a proxy request asks for.

    Raises:
        NotAllowed: If it is no such request.
    """
    try:
        first, *lines = head.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        url = urlsplit(f"https://{target}/" if method == "CONNECT" else target)
        host, port = (url.hostname or "").rstrip("."), url.port or PORTS[url.scheme]
        headers = tuple(header(line) for line in lines)
    except (ValueError, KeyError) as error:
        raise NotAllowed("this is not a request to an HTTP proxy") from error
    names = [name.lower() for name, _ in headers]
    if "transfer-encoding" in names or names.count("content-length") > 1:
        raise NotAllowed("send a body with one Content-Length")
    if not host or not method.isalpha() or (method != "CONNECT" and url.scheme != "http"):
        raise NotAllowed("this is not a request to an HTTP proxy")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return Request(method, url.scheme, host, port, path, headers)


def header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not HEADER_NAME.fullmatch(name) or not value.strip("\t").isprintable():
        raise ValueError(line)
    return name, value.strip()


def rewritten_head(request: Request) -> bytes:
    kept = [
        f"{name}: {value}"
        for name, value in request.headers
        if name.lower() not in DROPPED_HEADERS and not name.lower().startswith("proxy-")
    ]
    lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: {request.host}", *kept]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode("ascii")


def body_length(request: Request) -> int:
    """Bytes of the request's body; chunked ones have been refused."""
    lengths = [value for name, value in request.headers if name.lower() == "content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def matches(pattern: str, host: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return host == pattern


def is_excluded(request: Request, exclude: Exclude) -> bool:
    if callable(exclude):
        return exclude(request.url)
    return any(is_below(request.host, rule_host(rule)) for rule in exclude)


def rule_host(rule: str) -> str:
    return (urlsplit(rule if "//" in rule else f"//{rule}").hostname or "").removeprefix("www.")


def is_below(host: str, domain: str) -> bool:
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


async def refuse(writer: asyncio.StreamWriter, reason: str) -> None:
    body = f"{reason}\n".encode("ascii", "replace")
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError):
        writer.write(head.encode() + body)
        await writer.drain()
