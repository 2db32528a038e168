"""The store in which the command line keeps its runs."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from langgraph_fusion.cli.output import say
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.store import OFF, VARIABLE, default_place, open_runs

if TYPE_CHECKING:
    from langgraph_fusion.graph.journal.repository import RunRepository


@asynccontextmanager
async def open_own_runs(
    *, keep: bool = False, quiet: bool = False
) -> "AsyncIterator[RunRepository | None]":
    """Open the store for the length of the block; None when it is off.

    A place that the user named has to work; without the default one a question is still answered.

    Raises:
        ConfigError: If the place that `FUSION_RUNS` names cannot be opened.
    """
    async with AsyncExitStack() as stack:
        try:
            opening = open_runs(default_place(), keep=keep or None, origin="terminal")
            runs = await stack.enter_async_context(opening)
        except ConfigError as error:
            if os.environ.get(VARIABLE):
                raise
            runs = None
            if not quiet:
                say(f"This run cannot be resumed: {error}")
        yield runs


@asynccontextmanager
async def open_stored_runs() -> "AsyncIterator[RunRepository]":
    """Open the store to look at what is in it.

    Raises:
        ConfigError: If it is off or cannot be opened.
    """
    async with open_runs(default_place(), origin="terminal") as runs:
        if runs is None:
            raise ConfigError(f"no runs are kept: {VARIABLE} is `{OFF}`; set it to a file")
        yield runs
