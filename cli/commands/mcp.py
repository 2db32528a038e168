"""`fusion mcp`: the MCP server on standard input and output."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langchain_core.messages import HumanMessage

    from langgraph_fusion.cli.input import Given
    from langgraph_fusion.graph.api import Events
    from langgraph_fusion.graph.journal.repository import RunRepository
    from langgraph_fusion.graph.settings import FusionSettings

command = typer.Typer(rich_markup_mode=None)

_LONGEST_LINE = 48 << 20
"""Bytes of one message; a question with as many images and files as are read fits, in base64."""


@command.command(
    epilog=options.examples("fusion mcp", "fusion mcp -p fast --docs notes/ --max-budget 0.50")
)
def serve_mcp(
    preset: options.Preset = None,
    docs: options.Docs = None,
    tools: options.Tools = None,
    exclude: options.Exclude = None,
    set_: options.Assignments = None,
    max_budget: Annotated[
        float | None, typer.Option(metavar="USD", help="No call may spend more.")
    ] = None,
    max_deadline: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="No call may take longer.")
    ] = None,
    verbose: options.Verbose = False,
) -> None:
    """Serve the tool `deliberate` to an MCP client, on standard input and output.

    The options are the settings of every call; the client may choose another preset and most other
    settings, but no folder, network or sandbox of this machine.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(verbose=verbose):
        from langgraph_fusion.cli.input import given_settings
        from langgraph_fusion.cli.output import silence_libraries

        silence_libraries(verbose=verbose)
        chosen = {"preset": preset, "docs": docs}
        settings = given_settings(chosen, tools=tools, exclude=exclude, assignments=set_)
        limits = given_settings({"max_budget_usd": max_budget, "max_deadline_s": max_deadline})
        asyncio.run(_serve_stdio(settings, limits))


async def _serve_stdio(settings: "Given", limits: "Given") -> None:
    """Serve until standard input ends, or SIGINT or SIGTERM; runs under way are cancelled.

    `limits` are those of `ClientPolicy`.

    Raises:
        ConfigError: If the settings are wrong or the package is not installed.
    """
    from langgraph_fusion.cli.errors import missing_extra
    from langgraph_fusion.cli.output import is_terminal, say
    from langgraph_fusion.graph.preflight.readiness import (
        check_settings,
        default_preset,
        user_prices,
    )
    from langgraph_fusion.graph.settings import load_settings

    if find_spec("mcp") is None:
        raise missing_extra("mcp")
    if "preset" not in settings:
        settings = {**settings, "preset": (await default_preset())[0]}
    check_settings(load_settings(settings), user_prices())
    serving = asyncio.ensure_future(_serve(settings, limits))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    if is_terminal(sys.stdin):
        say(_HINT)
    await asyncio.wait({serving})
    if not serving.cancelled():
        serving.result()


async def _serve(settings: "Given", limits: "Given") -> None:
    from mcp.server.stdio import stdio_server

    from langgraph_fusion.cli.run_store import open_own_runs
    from langgraph_fusion.server.mcp.server import mcp_server
    from langgraph_fusion.server.runs.client_policy import ClientPolicy

    stdin = cast("Any", _lines())
    async with open_own_runs() as runs, stdio_server(stdin=stdin) as (reads, writes):
        server = mcp_server(_Deliberations(runs), ClientPolicy(models=("*",), **limits), settings)
        await server.run(reads, writes, server.create_initialization_options())


class _Deliberations:
    """Runs of the user's own, in the store of the command line."""

    def __init__(self, runs: "RunRepository | None") -> None:
        self._runs = runs

    @property
    def kept(self) -> bool:
        return self._runs is not None

    def start(self, question: "HumanMessage", settings: "FusionSettings", request: Any) -> "Events":
        from langgraph_fusion.graph.api import deliberate

        return deliberate([question], settings, runs=self._runs)

    async def resume(self, run_id: str, request: Any) -> "Events":
        from langgraph_fusion.graph.resume import stopped_run

        assert self._runs is not None
        stopped = await stopped_run(self._runs, run_id)
        async with aclosing(stopped.events(self._runs)) as events:
            async for event in events:
                yield event


async def _lines() -> AsyncIterator[str]:
    """Lines of standard input, read by the event loop: a thread could not be stopped by Ctrl-C.

    Files and /dev/null never block, and the event loop cannot watch them: they are read directly.
    """
    if sys.stdin is None:
        return
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or sys.stdin.isatty()):
        for line in sys.stdin.buffer:
            yield line.decode("utf-8", "replace")
        return
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode("utf-8", "replace")


_HINT = (
    "fusion mcp speaks the Model Context Protocol on standard input and output: it is started by a "
    "client. Add it to the client's configuration, then press Ctrl-C here:\n"
    + json.dumps({"mcpServers": {"fusion": {"command": "fusion", "args": ["mcp"]}}})
)
