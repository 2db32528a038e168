"""A compiled graph that opens what a run needs when it starts, and closes it however it ends.

LangGraph has no place for resources that live as long as a run: nodes come and go, a cancelled run
calls none of them any more. Every way of running a graph goes through `astream`, so the run is
opened and closed around it, and nodes find it in their config.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Self, cast

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.graph.state import CompiledStateGraph

from langgraph_fusion.graph.attachments import Attachments
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.kept import RunStoreConfig
from langgraph_fusion.graph.run_context import open_run
from langgraph_fusion.graph.settings import FusionSettings, load_settings


class FusionGraph(CompiledStateGraph[Any, Any, Any, Any]):
    """The deliberation. Async only: use `ainvoke`, `astream`, or the `ask` door."""

    def __init__(
        self,
        *,
        settings: FusionSettings,
        extra_tools: frozenset[str],
        attachments: Attachments,
        kept: RunStoreConfig,
        **compiled: Any,
    ) -> None:
        super().__init__(**compiled)
        self.settings = settings
        self.extra_tools = extra_tools
        self.attachments = attachments
        self.kept = kept

    @classmethod
    def of(
        cls,
        compiled: CompiledStateGraph[Any, Any, Any, Any],
        settings: FusionSettings,
        tools: Sequence[BaseTool],
        attachments: Attachments,
        kept: RunStoreConfig,
    ) -> Self:
        """The same graph, with a run around it."""
        names = frozenset(tool.name for tool in tools)
        return cls(
            settings=settings,
            extra_tools=names,
            attachments=attachments,
            kept=kept,
            **vars(compiled),
        )

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, *, context: Any = None, **given: Any
    ) -> AsyncIterator[Any]:
        settings = self._settings(config, context)
        async with open_run(settings, self.attachments, self.extra_tools, self.kept) as run:
            parts = super().astream(input, run.into(config), context=run.settings, **given)
            async with aclosing(cast("AsyncGenerator[Any]", parts)):
                async for part in parts:
                    yield part

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
