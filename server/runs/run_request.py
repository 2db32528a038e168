"""A client's request for a run, validated, whichever API it came through."""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.settings import FusionSettings

UsageOf = Literal["answer", "run"]
ToolResults = Literal["direct", "deliberate"]
MAX_PRIORITY = 9
"""Of a request; what asks for none has 0."""


@dataclass(frozen=True)
class RunRequest:
    """One request for a deliberation."""

    settings: FusionSettings
    messages: list[AnyMessage]
    requested: str
    """The model as the client wrote it."""
    model: str
    """The model to name in the response: as in the hosted product the one that writes."""
    stream: bool = True
    include_usage: bool = False
    """Chat: a last chunk with the usage."""
    details: bool = True
    """Our own additions to the response: panel, analysis, sources, bill, failures, timings."""
    progress: bool = True
    """Our own additions to the stream while the panel works."""
    hosted: bool = False
    """Whether the request has a form of the hosted product: its alias, its plugin or its tool."""
    fusion_item: bool = False
    """Responses: whether the output has the `openrouter:fusion` item."""
    usage_of: UsageOf = "run"
    """Whose tokens `usage` counts: those of the writer's calls, or of the whole run."""
    tool_results: ToolResults = "direct"
    """Who answers results of tools that belong to no kept run: the writer alone, or a panel."""
    stops: tuple[str, ...] = ()
    """Texts before which the answer ends."""
    notes: tuple[str, ...] = ()
    """What of the request was left out, for the result."""
    run_id: str | None = None
    """The run to resume, where the request names it, or with `take_over` to begin."""
    take_over: bool = False
    """Whether the run begins if there is none under its id."""
    keep: bool | None = None
    """Whether the texts stay in the store when the run has finished; None: as the operator says."""
    priority: int = 0
    """Of all that wait, those with the highest are next; 0 to `MAX_PRIORITY`."""

    @classmethod
    def of(cls, settings: FusionSettings, messages: list[AnyMessage], requested: str) -> Self:
        """Make a request for an API with response shapes of its own."""
        return cls(settings, messages, requested=requested, model=writer_of(settings))

    def with_settings(self, **settings: Any) -> Self:
        """The same request with these settings changed."""
        return replace(self, settings=self.settings.changed(**settings))


def writer_of(settings: FusionSettings) -> str:
    """The model that writes, as the hosted product's clients name it."""
    return str(settings.synthesizer.models[0]).removeprefix("openrouter:")
