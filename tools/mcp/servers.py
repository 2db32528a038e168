"""The tool servers of one run: started side by side, asked what they offer, called, and ended.

A server that is not there costs its members its tools and nothing else. What a server offers is
recorded with the run, so that a run that is resumed offers its members the same, and starts a
server only for a call that was not made before.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from langgraph_fusion.models.text import one_line
from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.exclude import Dropped
from langgraph_fusion.tools.formatting import escape_text, source_block
from langgraph_fusion.tools.mcp.connection import CallFailed, Connection, ServerUnavailable
from langgraph_fusion.tools.mcp.offered import Offer, OfferedTool, Seated, offer_of, seated_of
from langgraph_fusion.tools.mcp.results import addresses_in, cut, text_of
from langgraph_fusion.tools.mcp.schemas import Json
from langgraph_fusion.tools.mcp.settings import ServerSettings, entries_in, servers_in

_MAX_ERROR = 1000
"""Characters of a server's own words about a failed call."""


class ToolServers:
    """The servers of a run by name; for one event loop only."""

    def __init__(
        self,
        servers: Mapping[str, ServerSettings],
        known: Mapping[str, Offer] | None = None,
        keep: Callable[[str, Offer], None] = lambda name, offer: None,
        taken: Collection[str] = (),
    ) -> None:
        """`known` are earlier offers of them, `keep` records one, `taken` are others' names."""
        self._connections = {name: Connection(one) for name, one in servers.items()}
        self._offers: dict[str, Offer] = dict(known or {})
        self._keep = keep
        self._taken = frozenset(taken)
        self._listing: dict[str, asyncio.Task[Offer]] = {}

    def begin(self, names: Collection[str]) -> None:
        """Start those of the servers whose offer is not known, and do not wait for them."""
        for name in names:
            if name not in self._offers and name not in self._listing:
                self._listing[name] = asyncio.create_task(self._list(name))

    async def seated(self, groups: Sequence[str], within_s: float | None = None) -> Seated:
        """What a member whose `tools` setting is `groups` gets.

        Waits until each of its servers has started or is given up, as its settings say, and not
        longer than so many seconds.
        """
        names = servers_in(groups)
        self.begin(names)
        if waited_for := [self._listing[name] for name in names if name in self._listing]:
            await asyncio.wait(waited_for, timeout=within_s)
        found = {name: self._outcome(name) for name in names}
        offers = {name: one for name, one in found.items() if isinstance(one, Offer)}
        lost = {name: why for name, why in found.items() if isinstance(why, str)}
        return seated_of(list(entries_in(groups)), offers, lost)

    def gone(self, groups: Sequence[str]) -> dict[str, str]:
        """Those of a member's servers that ended or could not be used, with the reason."""
        found = {name: self._connections[name].gone for name in servers_in(groups)}
        return {name: why for name, why in found.items() if why}

    async def call(self, tool: OfferedTool, arguments: Json, context: ToolContext) -> str:
        """Call a tool; what it returned is a source of the member.

        Raises:
            ToolFailure: Naming the server, if there is no result.
        """
        server, connection = tool.server, self._connections[tool.server]
        try:
            result = await connection.call(tool.tool, arguments)
        except ServerUnavailable as gone:
            raise ToolFailure(
                "unavailable", f"The tool server {server} cannot be used: {gone}. Go on without it."
            ) from None
        except CallFailed as failed:
            raise ToolFailure("tool_error", f"The tool server {server}: {failed}.") from None
        text = connection.settings.without_values(text_of(result))
        if result.isError:
            raise ToolFailure("tool_error", f"The tool server {server} reports: {_error(text)}")
        for address in addresses_in(result):
            _check_allowed(context, address)
        shown = cut(text, connection.settings.max_chars) or "(nothing)"
        await context.shared.screen(context.seat, tool.name, shown)
        source = context.shared.sources.add_tool(context.seat, tool.name, arguments, shown)
        return source_block(source, shown)

    async def close(self) -> None:
        """End all servers."""
        for task in self._listing.values():
            task.cancel()
        await asyncio.gather(*(one.close() for one in self._connections.values()))
        await asyncio.gather(*self._listing.values(), return_exceptions=True)

    async def _list(self, name: str) -> Offer:
        connection = self._connections[name]
        listed = await connection.tools()
        offer = offer_of(name, listed, connection.settings.tools, self._taken)
        self._offers[name] = offer
        self._keep(name, offer)
        return offer

    def _outcome(self, name: str) -> Offer | str:
        """The offer, or why there is none."""
        if name in self._offers:
            return self._offers[name]
        if not self._listing[name].done():
            return "it did not start in half of the time that its members have"
        error = self._listing[name].exception()
        if isinstance(error, ServerUnavailable):
            return str(error)
        return f"it cannot be used ({type(error).__name__})"


def _check_allowed(context: ToolContext, address: str) -> None:
    """Raise ToolFailure for a resource that an exclusion rule of the run keeps from it."""
    shared = context.shared
    try:
        rule = shared.exclusion.match(address)
    except ValueError:
        return  # no address of the web
    if rule:
        shared.drops.append(Dropped(seat=context.seat, where="hit", url=address, rule=rule))
        raise ToolFailure("excluded", "What it returned is excluded from this run.")


def _error(text: str) -> str:
    return escape_text(one_line(text)[:_MAX_ERROR]) or "an error without words"
