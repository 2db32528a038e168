"""Restore the sources of a resumed run, under the ids by which members already cite them."""

from collections.abc import Iterable, Iterator

from langgraph_fusion.graph.journal.entries import UPDATE, RecordedTool, RecordedUpdate
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.tool_calls import TOOL
from langgraph_fusion.tools.sources import Source


def known_sources(journal: Journal, given: Iterable[RecordedUpdate] = ()) -> list[Source]:
    """Every source that is written down, as it was last seen, in the order of first sight.

    `given` are updates of nodes of another run, which come first.
    """
    known: dict[str, Source] = {}
    for source in (*_shown_by(given), *_recorded(journal)):
        known[source.id] = source
    return [source if source.same_as in known else _first(source) for source in known.values()]


def _recorded(journal: Journal) -> Iterator[Source]:
    for tool in journal.read_each(TOOL, RecordedTool):
        yield from tool.sources
    yield from _shown_by(journal.read_each(UPDATE, RecordedUpdate))


def _shown_by(nodes: Iterable[RecordedUpdate]) -> Iterator[Source]:
    for node in nodes:
        for source in node.update.get("sources", {}).values():
            yield Source.model_validate(source)


def _first(source: Source) -> Source:
    """What it repeats was shown to another member by a call that did not end."""
    return source.model_copy(update={"same_as": None}) if source.same_as else source
