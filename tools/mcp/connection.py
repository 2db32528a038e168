"""The connection to one server: opened, used and closed in a task of its own.

A process that the connection started ends with it, and with this process, however it ends: see
`guard`. A server that does not answer a call in time and no ping either is ended.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from langgraph_fusion.models.text import clean_detail
from langgraph_fusion.tools.mcp.settings import ServerSettings
from langgraph_fusion.tools.mcp.transports import NotStarted, Said, connected, last_words

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult, Tool

T = TypeVar("T")

_MAX_PAGES = 20
_PING_S = 3.0
_CLOSE_S = 5.0
_CLOSED = "Connection closed"
"""The SDK's words."""


class ServerUnavailable(Exception):
    """The server cannot be used; the text says why, without anything secret."""


class CallFailed(Exception):
    """The call failed and the server goes on; the text is partly the server's."""


class Connection:
    """One server, from its start to its end. It is started when it is first used."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.gone: str | None = None
        """Why it cannot be used any more."""
        self._said = Said(maxlen=8)
        self._stop = asyncio.Event()
        self._opened: asyncio.Future[ClientSession] | None = None
        self._task: asyncio.Task[None] | None = None

    async def tools(self) -> "list[Tool]":
        """All tools of the server, started if it is not.

        Raises:
            ServerUnavailable: If it does not start, does not say so in time, or ends.
        """
        session = await self._session()
        try:
            return await self._within(self.settings.start_timeout_s, _all_tools(session))
        except TimeoutError:
            self._end(f"it did not list its tools in {self.settings.start_timeout_s:g} s")
        except CallFailed as failed:
            self._end(f"it did not list its tools: {failed}")
        raise ServerUnavailable(self.gone)

    async def call(self, tool: str, arguments: dict[str, Any]) -> "CallToolResult":
        """What a tool returned.

        Raises:
            ServerUnavailable: If the server does not start, or ended under the call.
            CallFailed: If it refused the call or did not answer in time.
        """
        session = await self._session()
        limit = self.settings.timeout_s
        try:
            return await self._within(limit, session.call_tool(tool, arguments))
        except TimeoutError:
            try:
                await self._within(_PING_S, session.send_ping())
            except (TimeoutError, CallFailed):
                self._end(f"it answered neither a call in {limit:g} s nor a ping")
                raise ServerUnavailable(self.gone) from None
            raise CallFailed(f"no answer in {limit:g} s") from None

    async def close(self) -> None:
        """End the server, if it was started; return when it is gone."""
        self._stop.set()
        if self._task is not None and self._opened is not None:
            if not self._opened.done():  # it is still starting
                self._task.cancel()
            done, _ = await asyncio.wait({self._task}, timeout=_CLOSE_S)
            if not done:
                self._task.cancel()
                await asyncio.wait({self._task}, timeout=_CLOSE_S)

    async def _session(self) -> "ClientSession":
        if self.gone is not None:
            raise ServerUnavailable(self.gone)
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._serve(self._opened))
        return await asyncio.shield(self._opened)

    async def _serve(self, opened: "asyncio.Future[ClientSession]") -> None:
        """Hold the connection until it is to be closed or breaks."""
        limit = self.settings.start_timeout_s
        try:
            async with (
                asyncio.timeout(limit) as start,
                connected(self.settings, self._said) as session,
            ):
                await session.initialize()
                start.reschedule(None)
                opened.set_result(session)
                await self._stop.wait()
            self._end("it was closed")
        except TimeoutError:
            self._end(f"it did not start in {limit:g} s")
        except asyncio.CancelledError:
            self._end("it was closed")
        except BaseException as error:  # noqa: BLE001 - groups of anything that a transport raises
            self._end(self._why(error))
        finally:
            if not opened.done():
                opened.set_exception(ServerUnavailable(self.gone))
                opened.exception()  # perhaps nobody waits any more

    def _end(self, why: str) -> None:
        self.gone = self.gone or why
        self._stop.set()

    async def _within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """The outcome of a request; when the connection ends meanwhile, nobody waits for it.

        Raises:
            TimeoutError: If there is none in time.
        """
        from mcp import McpError

        assert self._task is not None
        asked = asyncio.ensure_future(work)
        try:
            await asyncio.wait({asked, self._task}, timeout=seconds, return_when="FIRST_COMPLETED")
            if not asked.done() and self._task.done():
                raise ServerUnavailable(self.gone)
            if not asked.done():
                raise TimeoutError
            return asked.result()
        except McpError as error:
            if error.error.message == _CLOSED:
                self._end(self._ended())
                raise ServerUnavailable(self.gone) from None
            raise CallFailed(self._clean(error.error.message)) from None
        except RuntimeError:  # the SDK's
            raise CallFailed("what it returned is not what its own schema says") from None
        finally:
            if not asked.done():
                asked.cancel()
                await asyncio.wait({asked})
            elif not asked.cancelled():
                asked.exception()  # perhaps nobody asked for it

    def _why(self, error: BaseException) -> str:
        from mcp import McpError

        first = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, NotStarted):
            return str(first)
        if isinstance(first, McpError) and first.error.message != _CLOSED:
            return f"it refused the connection: {self._clean(first.error.message)}"
        response = getattr(first, "response", None)
        if response is not None:
            return f"it answered with HTTP {response.status_code}"
        if self.settings.url is not None:
            return f"it cannot be reached ({type(first).__name__})"
        return self._ended()

    def _ended(self) -> str:
        if self.settings.url is not None:
            return "the connection was closed"
        last = last_words(self._said)
        return f"its process ended{f': {self._clean(last)}' if last else ''}"

    def _clean(self, text: str) -> str:
        return clean_detail(self.settings.without_values(text))


async def _all_tools(session: "ClientSession") -> "list[Tool]":
    listed, page = list[Any](), None
    for _ in range(_MAX_PAGES):
        found = await session.list_tools(page)
        listed += found.tools
        page = found.nextCursor
        if not page:
            break
    return listed
