"""Fetching: every address of a chain of redirects is checked before it is connected to."""

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from threading import Event

import aiohttp
from yarl import URL

from langgraph_fusion.tools.errors import ExcludedUrl, ToolFailure
from langgraph_fusion.tools.exclude import Exclusion
from langgraph_fusion.tools.fetch.limits import FetchLimits
from langgraph_fusion.tools.fetch.page import Body, Page, check_media_type, read_page
from langgraph_fusion.tools.ssrf import Guard, GuardedResolver
from langgraph_fusion.tools.urls import web_url

_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; langgraph-fusion)",
    "Accept": "text/html, application/xhtml+xml, application/pdf, text/*;q=0.9, */*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
_MAX_HEADER, _MAX_HEADERS = 256 * 1024, 1000
"""Bytes of one header of a response, and how many: browsers take as much (Chromium 256 KB)."""
_UNDONE = ("gzip", "deflate", "br", "zstd")
"""Encodings that aiohttp undoes."""
_COMPRESSIONS = re.compile(r"\b(?:x-)?(?:gzip|deflate|br|zstd|compress|bzip2|lzma|xz)\b")
_COMPRESSED = "The page is compressed twice or in an uncommon way and cannot be read."
_SAID = (
    (aiohttp.ClientPayloadError, "The page was cut off, or is not compressed as it says."),
    (
        aiohttp.ClientResponseError,
        "The site's answer breaks the rules of HTTP (a header that is doubled or garbled, say).",
    ),
    (aiohttp.ServerDisconnectedError, "The site closed the connection without an answer."),
    (aiohttp.ClientConnectorError, "The site cannot be reached."),
    (aiohttp.ClientError, "The site did not answer properly."),
)
_THREADS = 2
_CONNECTIONS = 16


@asynccontextmanager
async def open_fetcher(
    limits: FetchLimits, guard: Guard, exclusion: Exclusion
) -> AsyncIterator["Fetcher"]:
    """Open a fetcher with connections and threads of its own."""
    resolver = GuardedResolver(guard)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="web_fetch")
    connector = aiohttp.TCPConnector(
        resolver=resolver, use_dns_cache=False, force_close=True, limit=_CONNECTIONS
    )
    async with connector:
        try:
            yield Fetcher(limits, guard, exclusion, connector, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class Fetcher:
    """Fetches pages of the public web as text."""

    def __init__(
        self,
        limits: FetchLimits,
        guard: Guard,
        exclusion: Exclusion,
        connector: aiohttp.TCPConnector,
        pool: ThreadPoolExecutor,
    ) -> None:
        self.limits = limits
        self._guard, self._exclusion = guard, exclusion
        self._connector, self._pool = connector, pool

    async def fetch(self, url: str) -> Page:
        """Return the page at this address.

        Raises:
            ToolFailure: With every reason of its own; `ExcludedUrl` if a rule stops it.
        """
        async with self._in_time():
            body = await self._follow(url)
            return await self._read(body)

    async def download(self, url: str, max_bytes: int) -> Body:
        """Return what lies at this address, of whatever type, up to so many bytes.

        Raises:
            ToolFailure: As `fetch`.
        """
        async with self._in_time():
            return await self._follow(url, max_bytes)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                yield
        except TimeoutError:
            message = f"The page took longer than {self.limits.timeout_s:g} s."
            raise ToolFailure("timeout", message) from None
        except aiohttp.ClientError as error:
            raise _unreachable(error) from error

    async def _follow(self, url: str, any_type_up_to: int | None = None) -> Body:
        headers = {**_HEADERS, "Accept": "*/*"} if any_type_up_to else _HEADERS
        # Some sites redirect until a cookie sticks; no two fetches share a jar.
        async with aiohttp.ClientSession(
            connector=self._connector, connector_owner=False, headers=headers,
            timeout=aiohttp.ClientTimeout(total=None),
            max_line_size=_MAX_HEADER, max_field_size=_MAX_HEADER, max_headers=_MAX_HEADERS,
        ) as session:  # fmt: skip
            target = self._checked(url)
            for _ in range(self.limits.max_redirects + 1):
                body = await self._get(session, target, any_type_up_to)
                if isinstance(body, Body):
                    return body
                target = self._checked(_joined(target, body), redirected=True)
        message = f"The address redirects more than {self.limits.max_redirects} times."
        raise ToolFailure("http_status", message)

    def _checked(self, url: str, *, redirected: bool = False) -> URL:
        if rule := self._exclusion.match(url):
            raise ExcludedUrl(url, rule, "redirect" if redirected else "fetch")
        try:
            parsed = web_url(url)
        except ValueError as error:
            raise ToolFailure("invalid_arguments", f"Not a web address: {error}.") from None
        self._guard.check_host(parsed.raw_host or "")
        return parsed

    async def _get(
        self, session: aiohttp.ClientSession, url: URL, any_type_up_to: int | None
    ) -> Body | str:
        """Return the body, or where the address redirects to."""
        async with session.get(url, allow_redirects=False) as response:
            location = response.headers.get("Location")
            if response.status in _REDIRECTS and location:
                return location
            _check_status(response)
            media_type = response.content_type if "Content-Type" in response.headers else ""
            if any_type_up_to is None:
                check_media_type(media_type)
            _check_encoding(response)
            data = await self._whole(response, any_type_up_to or self.limits.max_bytes)
            return Body(str(url), media_type, response.charset, data)

    async def _whole(self, response: aiohttp.ClientResponse, most: int) -> bytes:
        """Read the body; what is counted is what comes out of decompression, piece by piece."""
        data = bytearray()
        if (response.content_length or 0) > most:
            raise _too_large(most)
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > most:
                raise _too_large(most)
        return bytes(data)

    async def _read(self, body: Body) -> Page:
        limits, cancelled = self.limits, Event()
        work = partial(
            read_page,
            body,
            max_pdf_pages=limits.max_pdf_pages,
            timeout_s=limits.timeout_s / 2,
            cancelled=cancelled,
        )
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            cancelled.set()  # whoever gave up waiting leaves no child process at work


def _too_large(most: int) -> ToolFailure:
    return ToolFailure("too_large", f"The page is larger than {most / (1 << 20):.3g} MiB.")


def _joined(base: URL, location: str) -> str:
    try:
        return str(base.join(URL(location)))
    except ValueError:
        raise ToolFailure("http_status", "The site redirects to a broken address.") from None


def _check_status(response: aiohttp.ClientResponse) -> None:
    if response.status < 300:
        return
    message = f"The server answered {response.status} {(response.reason or '')[:60]}".strip() + "."
    if response.status in (404, 410):
        raise ToolFailure("not_found", message)
    raise ToolFailure("rate_limited" if response.status == 429 else "http_status", message)


def _check_encoding(response: aiohttp.ClientResponse) -> None:
    """Refuse what was compressed in a way that the client did not undo, such as twice."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in _UNDONE or not _COMPRESSIONS.search(encoding):
        return
    raise ToolFailure("unavailable", _COMPRESSED)


def _unreachable(error: aiohttp.ClientError) -> ToolFailure:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ToolFailure("unavailable", "No such host could be found.")
    if isinstance(error, aiohttp.ClientSSLError):
        return ToolFailure("unavailable", "The site's certificate could not be verified.")
    if isinstance(error, aiohttp.InvalidURL):
        return ToolFailure("invalid_arguments", "Not a web address.")
    if isinstance(error, aiohttp.ClientResponseError) and "content-encoding" in error.message:
        return ToolFailure("unavailable", _COMPRESSED)
    return ToolFailure("unavailable", next(said for kind, said in _SAID if isinstance(error, kind)))
