"""The only way out of a sandbox, when there is one: an HTTP proxy with a list of allowed hosts.

It listens on a Unix socket that the container sees read-only. It connects to listed hosts only, on
ports 80 and 443, at public addresses only, and moves a bounded number of bytes.

Not covered: an allowed host can be asked anything, and receives whatever a command sends it; a host
that serves other names at the same address (a content network) can be asked for those over TLS.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Sequence
from pathlib import Path

from langgraph_fusion.sandbox.network.addresses import NotAllowed, Resolver, resolve_public
from langgraph_fusion.sandbox.network.exclusion import Exclusion
from langgraph_fusion.sandbox.network.lookups import Lookups
from langgraph_fusion.sandbox.network.proxy_request import (
    Exclude,
    Request,
    body_length,
    is_excluded,
    matches,
    parse_request,
    rewritten_head,
)
from langgraph_fusion.sandbox.network.web_url import DEFAULT_PORTS
from langgraph_fusion.sandbox.owned_directories import ProxyDirectory

log = logging.getLogger(__name__)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

MAX_HEAD_BYTES = 16 * 1024
HEAD_WITHIN_S = 10
CONNECT_WITHIN_S = 15
MAX_CONNECTIONS = 32
"""Of one member at the same time; what is more waits outside and costs us nothing."""
MAX_LOOKUPS = 2
ACCEPT_AGAIN_S = 0.2
CHUNK = 1 << 16


class AllowListProxy:
    """One member's proxy, from `start` to `close`.

    Args:
        allow_hosts: Host names; `*.example.org` means every name below example.org.
        exclude: What may not be fetched although its host is allowed: rules as of `Exclusion`, or
            a function of a URL. A TLS connection shows no path, so a prefix of a URL excludes its
            whole host.
        max_bytes: Bytes to move, both ways together, before everything is refused.
        resolve: How to find an allowed host's address.
    """

    def __init__(
        self,
        allow_hosts: Sequence[str],
        *,
        exclude: Exclude = (),
        max_bytes: int,
        resolve: Resolver | None = None,
    ) -> None:
        self._allowed = [host.lower() for host in allow_hosts]
        self._exclude = Exclusion(exclude) if isinstance(exclude, Sequence) else exclude
        self._bytes_left = max_bytes
        self._resolve = resolve or self._resolve_public
        self._lookups = Lookups(MAX_LOOKUPS)
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)
        self._connections: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._directory: ProxyDirectory | None = None

    async def start(self) -> str:
        """Listen; the directory to show to the container, which holds nothing but the socket."""
        self._directory = await asyncio.to_thread(ProxyDirectory.make)
        listener = listen(self._directory.visible / "proxy.sock")
        self._accepting = asyncio.get_running_loop().create_task(self._accept(listener))
        return str(self._directory.visible)

    async def close(self) -> None:
        """Stop listening and end every connection; doing so twice is fine."""
        ending = [*self._connections, *filter(None, [self._accepting])]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        if self._directory is not None:
            await asyncio.to_thread(self._directory.remove)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                await self._free.acquire()  # before accepting: a descriptor is what is scarce
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError:  # somebody else has used up the descriptors
                    self._free.release()
                    await asyncio.sleep(ACCEPT_AGAIN_S)
                    continue
                task = loop.create_task(self._serve_and_close(connection))
                self._connections.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        self._free.release()

    async def _serve_and_close(self, connection: socket.socket) -> None:
        near = await asyncio.open_unix_connection(sock=connection, limit=MAX_HEAD_BYTES)
        try:
            await self._serve(near)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            log.debug("a sandbox broke off its proxy connection")
        finally:
            near[1].close()

    async def _serve(self, near: Streams) -> None:
        async with asyncio.timeout(HEAD_WITHIN_S):
            head = await near[0].readuntil(b"\r\n\r\n")
        self._bytes_left -= len(head)
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
        if request.port != DEFAULT_PORTS[request.scheme]:
            raise NotAllowed(f"port {request.port} is not allowed")
        if is_excluded(request, self._exclude):
            raise NotAllowed(f"{request.host} is excluded from this run")

    async def _resolve_public(self, host: str, port: int) -> tuple[str, int]:
        return await resolve_public(host, port, self._lookups)

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


def listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o666)
    listener.listen(128)
    listener.setblocking(False)
    return listener


async def refuse(writer: asyncio.StreamWriter, reason: str) -> None:
    body = f"{reason}\n".encode("ascii", "replace")
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError):
        writer.write(head.encode() + body)
        await writer.drain()
