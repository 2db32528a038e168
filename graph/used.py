"""Summarise what a run used: sources, documents, and the tools that never worked."""

from collections.abc import Iterable, Sequence

from langgraph_fusion.graph.records import MemberAnswer
from langgraph_fusion.graph.result import DocumentsUsed, FailedTool, SkippedDocument, Used
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.tools.mcp.settings import servers_in
from langgraph_fusion.tools.sources import Source

_MAX_SKIPPED = 200
"""Files listed as skipped; their count is always whole."""
_CITABLE = frozenset({"web_search", "web_fetch", "docs"})


def used_in(
    run: Run, answers: Sequence[MemberAnswer], sources: Sequence[Source], cited: Iterable[str]
) -> Used:
    """Return what the run used; `cited` are ids of the sources that the answer cites."""
    return Used(
        sources_shown=sum(source.same_as is None for source in sources),
        sources_cited=len(set(cited)),
        documents=_documents(run),
        failed_tools=tuple(failed_tools(answers)),
    )


def failed_tools(answers: Sequence[MemberAnswer]) -> Iterable[FailedTool]:
    """Yield the tools all of whose calls failed for a seat, over all rounds."""
    uses = [(answer.seat, use) for answer in answers for use in answer.tools]
    for seat, name in dict.fromkeys((seat, use.tool) for seat, use in uses):
        mine = [use for of, use in uses if (of, use.tool) == (seat, name)]
        calls = sum(use.calls for use in mine)
        if calls == sum(use.failed for use in mine):
            yield FailedTool(seat=seat, tool=name, calls=calls, error=mine[-1].error)


def warnings_of(settings: FusionSettings, used: Used, answer: str) -> list[str]:
    """What a reader must know before trusting the answer, in sentences."""
    said = []
    if settings.docs and settings.members:
        said += _unread(used.documents)
    groups = settings.tool_groups
    had_tools = bool(_CITABLE & {*groups} or servers_in(groups))
    asks_for_text = settings.mode != "analysis" and not settings.response_format
    if had_tools and asks_for_text and answer.strip() and not used.sources_cited:
        number = used.sources_shown
        shown = f"{number} {'was' if number == 1 else 'were'} shown" if number else "none was found"
        said.append(f"The answer cites no source ({shown}): it rests on what the models remember.")
    return said


def failure_of(failed: FailedTool) -> str:
    """A tool that never worked, in a sentence."""
    times = "the one call" if failed.calls == 1 else f"all {failed.calls} calls"
    return f"Seat {failed.seat}: {times} of {failed.tool} failed: {failed.error}"


def _documents(run: Run) -> DocumentsUsed | None:
    docs = run.shared_tools.docs
    if docs is None:
        return None
    report = docs.report()
    if report is None:
        return DocumentsUsed(indexed=None)
    skipped = [SkippedDocument(path=path, reason=reason) for path, reason in report.skipped]
    return DocumentsUsed(
        indexed=report.indexed,
        complete=report.complete,
        skipped=tuple(skipped[:_MAX_SKIPPED]),
        skipped_count=len(skipped),
    )


def _unread(documents: DocumentsUsed | None) -> list[str]:
    if documents is None or documents.indexed is None:
        return ["No member looked into the documents."]
    if documents.indexed == 0:
        why = "; ".join(f"{one.path}: {one.reason}" for one in documents.skipped[:3])
        return [f"No document of the folder could be read{f' ({why})' if why else ''}."]
    return []
