"""The engines with an HTTP API: one bounded JSON exchange each, its failures told apart.

LangChain's wrappers are not used: langchain-community is no longer maintained, and those for Brave
and Google block a thread, say nothing of statuses and `Retry-After`, and take no bounds.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, Protocol, cast

import aiohttp
from pydantic import SecretStr

from langgraph_fusion.tools.search.base import Found, Hit, SearchFailure, SearchQuery
from langgraph_fusion.tools.search.dates import published_date
from langgraph_fusion.tools.search.engines import Engine
from langgraph_fusion.tools.search.refusals import refusal

_MAX_BYTES = 5 << 20
_MAX_REFUSAL_BYTES = 16 << 10
_MAX_URL = 2_000
"""Characters; longer addresses are cut off by somebody on the way."""
_MAX_TITLE = 300
_MAX_SNIPPET = 3_000
"""Characters: some engines send whole pages as excerpts."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What is sent to an engine."""

    method: Literal["GET", "POST"]
    path: str
    params: dict[str, str] = field(default_factory=dict)
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    not_applied: tuple[str, ...] = ()


class Api(Protocol):
    """The two halves of an engine's API; each is a module of this folder."""

    def request(self, query: SearchQuery, key: str, excluded: Sequence[str]) -> Request:
        """Write the query in the engine's words."""
        ...

    def read(self, answer: Json) -> list[Hit]:
        """Read its answer; raises SearchFailure, LookupError or TypeError for what is none."""
        ...

    def cost_usd(self, answer: Json, listed: float) -> float | None:
        """What it charged, from its answer or at the list price."""
        ...


@asynccontextmanager
async def open_engine(
    engine: Engine, url: str, key: str, timeout_s: float, excluded: Sequence[str] = ()
) -> AsyncIterator["HttpSearch"]:
    """Open an engine at its address."""
    api = cast("Api", import_module(f"langgraph_fusion.tools.search.{engine.name}"))
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield HttpSearch(engine, api, session, url, SecretStr(key), excluded)


class HttpSearch:
    """A search backend over an engine's HTTP API."""

    def __init__(
        self,
        engine: Engine,
        api: Api,
        session: aiohttp.ClientSession,
        url: str,
        key: SecretStr,
        excluded: Sequence[str] = (),
    ) -> None:
        self._engine, self._api, self._session = engine, api, session
        self._url, self._key, self._excluded = url, key, excluded

    async def search(self, query: SearchQuery) -> Found:
        """See `SearchBackend.search`."""
        request = self._api.request(query, self._key.get_secret_value(), self._excluded)
        answer = await self._exchange(request)
        try:
            hits = self._api.read(answer)
        except (LookupError, TypeError, AttributeError):
            raise self._no_results() from None
        cost = 0.0 if self._engine.usd is None else self._api.cost_usd(answer, self._engine.usd)
        shown = tuple(hit for hit in hits if hit.url)[: query.max_results]
        return Found(shown, self._engine.name, request.not_applied, cost)

    async def _exchange(self, request: Request) -> Json:
        try:
            async with self._session.request(
                request.method,
                self._url + request.path,
                params=request.params,
                json=request.body,
                headers={"Accept": "application/json", **request.headers},
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    said = await response.content.read(_MAX_REFUSAL_BYTES)
                    raise refusal(self._engine, response.status, response.headers, said)
                return self._object(await _bounded(response.content))
        except TimeoutError:
            raise SearchFailure("timeout", f"{self._engine.title} took too long.") from None
        except aiohttp.ClientConnectorError:
            raise self._unreachable(unsent=True) from None
        except aiohttp.ClientError:
            raise self._unreachable(unsent=False) from None

    def _object(self, data: bytes) -> Json:
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self._no_results()
        return answer

    def _unreachable(self, *, unsent: bool) -> SearchFailure:
        message = f"{self._engine.title} cannot be reached."
        return SearchFailure("unavailable", message, unsent=unsent)

    def _no_results(self) -> SearchFailure:
        said = f"{self._engine.title} gave an answer without results."
        return SearchFailure("unavailable", said, status=200)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    data = await content.read(_MAX_BYTES)
    while len(data) < _MAX_BYTES and (more := await content.read(_MAX_BYTES)):
        data += more
    return data


def rows_of(answer: Json, *path: str) -> list[Json]:
    """The list at this path, without what is no object; raises LookupError if there is none."""
    found: Any = answer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise LookupError(path)
    return [row for row in found if isinstance(row, dict)]


def hit(row: Json, url: str, title: str, snippet: object, published: object = None) -> Hit:
    """A hit of the fields `url` and `title` of a row, and of what else was read from it."""
    address = _text(row.get(url))
    return Hit(
        address if len(address) <= _MAX_URL else "",
        _text(row.get(title))[:_MAX_TITLE],
        _text(snippet)[:_MAX_SNIPPET],
        published_date(published),
    )


def joined(parts: object) -> str:
    """Several excerpts of a page as one."""
    several = parts if isinstance(parts, list) else [parts]
    return " … ".join(part for part in several if isinstance(part, str))


def number_of(value: object) -> float | None:
    """A number that can be part of a bill."""
    fine = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6
    return float(cast("float", value)) if fine else None


def _text(value: object) -> str:
    """As text: what is none is empty, half a character is `?`."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""
