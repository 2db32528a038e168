"""The context of tools: what all members of a run share, and what each has of its own."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import core_schema

from langgraph_fusion.sandbox.base import Sandbox
from langgraph_fusion.sandbox.network.host_names import is_below
from langgraph_fusion.tools.content_filter import ContentFilter, ContentMatch, ExcludedContent
from langgraph_fusion.tools.errors import ExcludedUrl
from langgraph_fusion.tools.exclude import Dropped, Exclusion
from langgraph_fusion.tools.fetch.limits import FetchLimits
from langgraph_fusion.tools.search import (
    EngineName,
    Found,
    Hit,
    SearchInTurn,
    SearchQuery,
    open_search,
)
from langgraph_fusion.tools.search.base import Purse, free_purse, with_sites
from langgraph_fusion.tools.search.engines import named
from langgraph_fusion.tools.shown_lines import ShownLines
from langgraph_fusion.tools.single_flight import SingleFlight
from langgraph_fusion.tools.sources import Source, Sources
from langgraph_fusion.tools.urls import web_url

if TYPE_CHECKING:  # aiohttp and sqlite are loaded when a run is opened
    from langgraph_fusion.tools.docs_index.docs import DocsIndex
    from langgraph_fusion.tools.fetch.fetcher import Fetcher
    from langgraph_fusion.tools.fetch.page import Page

_QUICK_CHARS = 50_000
"""A content filter looks at a longer text in a thread."""


class SharedToolsSettings(BaseModel):
    """What one run may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    search: tuple[EngineName, ...] = Field(default=("ddgs",), min_length=1)
    """Asked in this order."""
    max_results: int = Field(default=10, ge=1, le=20, description="Asked of the service")
    search_timeout_s: float = Field(default=20, gt=0)
    exclude: tuple[str, ...] = Field(default=(), description="Domains, URL prefixes")
    docs: Path | None = Field(default=None, description="The user's folder of documents")
    fetch: FetchLimits = FetchLimits()
    allow_networks: tuple[str, ...] = Field(
        default=(),
        description="CIDR networks that may be fetched from although not public",
    )

    @field_validator("search", mode="before")
    @classmethod
    def _engines_from_names(cls, value: object) -> object:
        return named(value)

    @field_validator("exclude")
    @classmethod
    def _rules_are_valid(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        Exclusion(rules)
        return rules

    @field_validator("docs")
    @classmethod
    def _docs_is_a_folder(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError(f"`{folder}` is not a folder")
        return folder

    @field_validator("allow_networks")
    @classmethod
    def _networks_are_valid(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ipaddress.ip_network(network)
        return networks


class SharedTools:
    """What all members of one run share. For one event loop only; see `open_shared_tools`."""

    def __init__(
        self,
        sources: Sources,
        exclusion: Exclusion,
        engines: SearchInTurn,
        fetcher: "Fetcher",
        docs: "DocsIndex | None",
        max_results: int,
        content_filter: ContentFilter | None = None,
    ) -> None:
        self.sources, self.exclusion, self.engines = sources, exclusion, engines
        self.fetcher, self.docs, self.max_results = fetcher, docs, max_results
        self.content_filter = content_filter
        self.files: DocsIndex | None = None
        """The files that came with the question, once they are read; searched like documents."""
        self.drops: list[Dropped] = []
        """Everything an exclusion rule or the content filter stopped so far."""
        self._searches = SingleFlight[Found]()
        self._fetches: SingleFlight[tuple[Page, ContentMatch | None]] = SingleFlight()

    async def search(self, seat: str, query: SearchQuery, purse: Purse = free_purse) -> Found:
        """Return what the web search found and nothing excludes; equal searches run once.

        Raises:
            ToolFailure: What `SearchInTurn.search` raises; `ExcludedUrl` for the query itself.
        """
        query = replace(query, text=" ".join(query.text.split()), max_results=self.max_results)
        text = with_sites(query.text, query.site)
        if rule := self.exclusion.match_query(text):
            self.drops.append(Dropped(seat=seat, where="query", url=text, rule=rule))
            raise ExcludedUrl(text, rule, "query")

        async def work() -> Found:
            return await self.engines.search(query, purse)

        key = replace(query, text=query.text.casefold())
        found = await self._searches.get(repr(key), work)
        there = [hit for hit in found.hits if _is_of_site(hit, query.site)]
        allowed = [hit for hit in there if self._may_show(seat, hit)]
        return replace(found, hits=tuple(await self._screened(seat, allowed)))

    async def fetch(self, seat: str, url: str) -> "Page":
        """Return a page of the web; equal addresses are fetched once.

        Raises:
            ToolFailure: What `Fetcher.fetch` raises; `ExcludedContent` for what the page says.
        """
        try:
            key = str(web_url(url))
        except ValueError:
            key = url  # the fetcher says what is wrong with it
        try:
            page, match = await self._fetches.get(key, lambda: self._fetch(url))
        except ExcludedUrl as drop:
            dropped = Dropped(seat=seat, where=drop.where, url=drop.url, rule=drop.rule)
            self.drops.append(dropped)
            raise
        if match is not None:
            raise self._drop(seat, page.url, match)
        return page

    async def screen(self, seat: str, url: str, text: str) -> None:
        """Let a text pass that a tool would show a member.

        Raises:
            ExcludedContent: If the content filter keeps it from this run; the drop is recorded.
        """
        if match := await self._match(text):
            raise self._drop(seat, url, match)

    async def close(self) -> None:
        """Cancel what is under way."""
        await self._searches.close()
        await self._fetches.close()

    async def _fetch(self, url: str) -> "tuple[Page, ContentMatch | None]":
        page = await self.fetcher.fetch(url)
        return page, await self._match(f"{page.title}\n{page.text}")

    async def _match(self, text: str) -> ContentMatch | None:
        if self.content_filter is None:
            return None
        if len(text) <= _QUICK_CHARS:
            return self.content_filter.match(text)
        return await asyncio.to_thread(self.content_filter.match, text)

    async def _screened(self, seat: str, hits: list[Hit]) -> list[Hit]:
        """The hits that may be shown alone, and together: an answer key comes in pieces too."""
        found = [(hit, await self._match(f"{hit.title}\n{hit.snippet}")) for hit in hits]
        if all(match is None for _, match in found):
            together = await self._match("\n".join(f"{hit.title}\n{hit.snippet}" for hit in hits))
            found = [(hit, together) for hit in hits]
        for hit, match in found:
            if match:
                self._drop(seat, hit.url, match)
        return [hit for hit, match in found if match is None]

    def _drop(self, seat: str, url: str, match: ContentMatch) -> ExcludedContent:
        """Record a drop, and return the failure that tells the member."""
        rule, found = match
        self.drops.append(Dropped(seat=seat, where="content", url=url, rule=rule, count=found))
        return ExcludedContent(url, match)

    def _may_show(self, seat: str, hit: Hit) -> bool:
        try:
            web_url(hit.url)
        except ValueError:
            return False
        rule = self.exclusion.match(hit.url)
        if rule:
            self.drops.append(Dropped(seat=seat, where="hit", url=hit.url, rule=rule))
        return rule is None


def _is_of_site(hit: Hit, site: str | None) -> bool:
    """Whether a hit is of the site that was asked for: some engines do not know `site:`."""
    try:
        return site is None or is_below(web_url(hit.url).raw_host or "", site)
    except ValueError:
        return False


@dataclass
class ToolContext:
    """What one member's tools work with in one round: the `context` of its agent."""

    seat: str
    shared: SharedTools
    sandbox: Sandbox | None = None
    topic: str = ""
    """What the member is asked: of a long text it is shown what is closest to it."""
    narrow: bool = False
    """Whether that is a narrow question, for which less of a text is enough."""
    shown: ShownLines = field(default_factory=ShownLines)

    @property
    def purse(self) -> Purse:
        """Who pays for its searches."""
        return free_purse

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Keep pydantic from looking inside: a tool's schema names the type it is given."""
        return core_schema.is_instance_schema(ToolContext)


@asynccontextmanager
async def open_shared_tools(
    settings: SharedToolsSettings,
    known_sources: Iterable[Source] = (),
    content_filter: ContentFilter | None = None,
) -> AsyncIterator[SharedTools]:
    """Open what the tools of one run need; leaving it cancels and closes everything.

    Raises:
        ValueError: If the search service lacks an environment variable; the message names it.
    """
    from langgraph_fusion.tools.docs_index.docs import open_docs
    from langgraph_fusion.tools.fetch.fetcher import open_fetcher
    from langgraph_fusion.tools.ssrf import Guard

    exclusion = Exclusion(settings.exclude)
    guard = Guard(ipaddress.ip_network(network) for network in settings.allow_networks)
    async with AsyncExitStack() as stack:
        search = open_search(
            settings.search, timeout_s=settings.search_timeout_s, excluded=exclusion.domains
        )
        shared = SharedTools(
            sources=Sources(known_sources),
            exclusion=exclusion,
            engines=await stack.enter_async_context(search),
            fetcher=await stack.enter_async_context(open_fetcher(settings.fetch, guard, exclusion)),
            docs=await stack.enter_async_context(open_docs(settings.docs))
            if settings.docs
            else None,
            max_results=settings.max_results,
            content_filter=content_filter,
        )
        stack.push_async_callback(shared.close)
        yield shared
