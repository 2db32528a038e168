"""A compiled graph that opens what a run needs when it starts, and closes it however it ends.

LangGraph has no place for resources that live as long as a run: nodes come and go, a cancelled run
calls none of them any more. Every way of running a graph goes through `astream`, so the run is
opened and closed around it, and nodes find it in their config.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Self, cast

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.graph.state import CompiledStateGraph

from langgraph_fusion.graph.calls.budget import Budget
from langgraph_fusion.graph.calls.limits import Limits
from langgraph_fusion.graph.calls.retry import forget_frames
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import ConfigError, FusionError, SandboxRequired
from langgraph_fusion.graph.journal.entries import SERVER
from langgraph_fusion.graph.journal.recorded_sources import known_sources
from langgraph_fusion.graph.journal.run_store_config import NOT_KEPT, RunStoreConfig
from langgraph_fusion.graph.journal.stores.claim import Claim
from langgraph_fusion.graph.later_nodes import load_meanwhile
from langgraph_fusion.graph.mcp_file import chosen_servers
from langgraph_fusion.graph.preflight.open_given import open_given
from langgraph_fusion.graph.preflight.readiness import (
    check_ready,
    shared_tools_settings,
    user_prices,
)
from langgraph_fusion.graph.request.attachments import Attachments
from langgraph_fusion.graph.request.document_copies import DocumentCopies
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.tools.content_filter import ContentFilter
from langgraph_fusion.tools.context import open_shared_tools
from langgraph_fusion.tools.mcp.settings import servers_in


@dataclass(frozen=True)
class Hooks:
    """What the embedding program holds in its hands while a run works. Not settings."""

    content_filter: ContentFilter | None = None
    """Keeps texts from the members that it recognises."""
    budget: Budget | None = None
    """A spend cap that several runs share."""
    steering: Steering | None = None
    """What its user asks of the run."""
    check: Callable[[FusionSettings], None] = lambda settings: None
    """Raises ConfigError for settings that whoever sends them may not have."""


NO_HOOKS = Hooks()


class FusionGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """The deliberation. Async only: use `ainvoke`, `astream`, or the function `ask`."""

    def __init__(
        self,
        *,
        settings: FusionSettings,
        extra_tools: frozenset[str],
        attachments: Attachments,
        run_store: RunStoreConfig,
        hooks: Hooks,
        **compiled: Any,
    ) -> None:
        super().__init__(**compiled)
        self.settings = settings
        self.extra_tools = extra_tools
        self.attachments = attachments
        self.run_store = run_store
        self.hooks = hooks

    @classmethod
    def of(
        cls,
        compiled: CompiledStateGraph[Any, Any, Any, Any],
        settings: FusionSettings,
        tools: Sequence[BaseTool],
        attachments: Attachments,
        run_store: RunStoreConfig,
        hooks: Hooks,
    ) -> Self:
        """The same graph, with a run around it."""
        names = frozenset(tool.name for tool in tools)
        return cls(
            settings=settings,
            extra_tools=names,
            attachments=attachments,
            run_store=run_store,
            hooks=hooks,
            **vars(compiled),
        )

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, *, context: Any = None, **given: Any
    ) -> AsyncIterator[Any]:
        settings = self._settings(config, context)
        async with open_run(
            settings, self.attachments, self.extra_tools, self.run_store, self.hooks
        ) as run:
            parts = super().astream(input, run.into(config), context=run.settings, **given)
            try:
                async with aclosing(cast("AsyncGenerator[Any]", parts)):
                    async for part in while_claimed(parts, run.journal.claim):
                        yield part
            except FusionError as error:
                forget_frames(error)
                raise

    def stream(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: members work side by side in an event loop."""
        raise TypeError("this graph is async only: use `ainvoke` or `astream`, or `ask`")

    def _settings(self, config: RunnableConfig | None, context: Any) -> FusionSettings:
        """The caller's context, else `configurable["fusion"]`, else the graph's own settings.

        Under a parent with another context class the parent's object is not ours and is ignored.
        """
        given = context
        if not isinstance(given, FusionSettings | Mapping):
            given = (config or {}).get("configurable", {}).get("fusion")
        if not given:
            return self.settings
        settings = given if isinstance(given, FusionSettings) else self._changed(given)
        self.hooks.check(settings)
        if len(settings.panel) != len(self.settings.panel):
            raise ConfigError(
                f"this graph has {len(self.settings.panel)} seats and the settings have "
                f"{len(settings.panel)}; build another with create_fusion(settings)",
                field="panel",
            )
        return settings

    def _changed(self, given: Mapping[str, Any]) -> FusionSettings:
        """A mapping that names a preset stands alone; any other changes the graph's settings."""
        return load_settings(given) if "preset" in given else self.settings.changed(**given)


@asynccontextmanager
async def open_run(
    settings: FusionSettings,
    attachments: Attachments,
    extra_tools: frozenset[str],
    run_store: RunStoreConfig = NOT_KEPT,
    hooks: Hooks = NO_HOOKS,
) -> AsyncIterator[Run]:
    """Check that the run can start, open what its members need, and close it all at the end.

    Raises:
        ConfigError: If a key, a folder or a price is missing, or the run cannot be taken up again;
            nothing has been started.
        SandboxRequired: If `require_sandbox` is set and no sandbox can be had.
    """
    earlier = await run_store.finished()
    if earlier is not None:
        yield Run.finished(settings, earlier)
        return
    await _models_loaded()
    prices = user_prices()
    settings = await check_ready(settings, prices)
    with_bash = any("bash" in settings.tools_of(seat) for seat in settings.members)
    tools_settings = shared_tools_settings(settings)
    with_docs = tools_settings.docs is not None
    attachments.check(settings.sandbox.max_file_mb, with_bash=with_bash, with_docs=with_docs)
    async with AsyncExitStack() as stack:
        journal, lifecycle = await stack.enter_async_context(run_store.open())
        known = known_sources(journal, run_store.given.values())
        shared_tools = await stack.enter_async_context(
            open_shared_tools(tools_settings, known, hooks.content_filter)
        )
        limits = Limits(
            settings.deadline_s, settings.budget_usd, settings.unknown_cost, hooks.budget
        )
        run = Run(journal.run_id, settings, limits, shared_tools, prices)
        run.resources = stack
        run.open_given = partial(open_given, run)
        run.attachments, run.extra_tools = attachments, extra_tools
        shared_tools.engines.notice = run.degrade
        run.steering = hooks.steering or run.steering
        run.steering.open(settings.letters, limits.budget, judged=settings.judge is not None)
        run.journal, run.lifecycle, run.given = journal, lifecycle, run_store.given
        if tools_settings.docs is not None and hooks.content_filter is None:
            # a filter reads no tables, no PDFs
            run.documents = DocumentCopies(tools_settings.docs, settings.sandbox)
        if lifecycle is not None:
            journal.on_failure = run.lost_its_store
            run.started_at = lifecycle.started_at or run.started_at
            await stack.enter_async_context(lifecycle.watching(limits.began))
        stack.push_async_callback(run.images.close)
        if servers_in(settings.tool_groups):
            await _open_servers(run, stack)
        if with_bash:
            await _open_sandboxes(run, stack)
        loading = asyncio.create_task(load_meanwhile(run))
        stack.push_async_callback(_end, loading)
        yield run
    run.pool = run.lifecycle = None  # they and the run refer to each other, and texts with them


async def while_claimed(parts: AsyncIterator[Any], claim: Claim | None) -> AsyncIterator[Any]:
    """The same parts, until another process has the run: then its work here is cancelled.

    Raises:
        RunTakenOver: If that happens.
    """
    while True:
        try:
            with claim.stopping() if claim else nullcontext():
                part = await anext(parts)
        except StopAsyncIteration:
            return
        yield part


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _models_loaded() -> None:
    """Do a second of imports off the event loop; free once they are done."""
    name = "langgraph_fusion.models.chat"
    if not hasattr(sys.modules.get(name), "FusionChat"):  # another run may be half-way through
        await asyncio.to_thread(import_module, name)


async def _open_servers(run: Run, stack: AsyncExitStack) -> None:
    """Begin to start the tool servers of those members that have not answered before."""
    from langgraph_fusion.tools import member_tools
    from langgraph_fusion.tools.mcp.offered import Offer
    from langgraph_fusion.tools.mcp.servers import ToolServers

    settings, journal = run.settings, run.journal
    chosen = chosen_servers(settings.tool_groups)
    found = {name: journal.read(f"{SERVER}{name}", Offer) for name in chosen}
    servers = ToolServers(
        chosen,
        {name: offer for name, offer in found.items() if offer is not None},
        lambda name, offer: journal.write_later(f"{SERVER}{name}", lambda: offer),
        run.extra_tools | {tool.name for tool in member_tools()},
    )
    stack.push_async_callback(servers.close)
    run.servers = servers
    at_work = [letter for letter in settings.letters if f"{letter}.0" not in run.given]
    groups = (settings.tools_of(settings.seat(letter)) for letter in at_work)
    servers.begin({name for each in groups for name in servers_in(each)})


async def _open_sandboxes(run: Run, stack: AsyncExitStack) -> None:
    from langgraph_fusion.sandbox.pool import SandboxPool

    settings = run.settings
    pool = SandboxPool(
        settings.sandbox,
        run_id=run.id,
        members=len(settings.panel),
        exclude=settings.exclude,
    )
    try:
        run.pool = await stack.enter_async_context(pool)
        if pool.not_held:
            run.degrade("sandbox_limits", f"The sandbox does not hold: {pool.not_held}.")
        if pool.notice:
            run.degrade("sandbox_kind", pool.notice)
    except SandboxUnavailable as error:
        if settings.require_sandbox:
            raise SandboxRequired(str(error)) from error
        run.degrade("sandbox_unavailable", f"Members had no bash: {error}")
