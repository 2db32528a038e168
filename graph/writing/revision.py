"""One bounded revision of a draft that has lost what the panel found; never for the worse.

The check that finds what was lost also decides: the revision takes the draft's place only if it
brings back more than it loses. A revision that fails, or is cut off, leaves the draft.
"""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.calls.budget import BudgetReached
from langgraph_fusion.graph.calls.seat_client import SeatClient, SeatFailed
from langgraph_fusion.graph.calls.tool_call_repair import without_tool_calls
from langgraph_fusion.graph.citations import cited_ids
from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.records import DraftKept, Revision
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.state import FusionState
from langgraph_fusion.graph.writing.lost import Coverage, Item, as_lines, counted
from langgraph_fusion.models.answer_text import finish_reason
from langgraph_fusion.models.tool_markup import strip_tool_markup
from langgraph_fusion.tools.sources import Source, Sources

FEW = 3
"""Lost figures and names below which no call is made for them; insights and sources always are."""
MOST = 60
"""Items that the writer is told of at once."""


def coverage_of(state: FusionState) -> Coverage:
    """What an answer to this run's question ought to hold."""
    analysis = Analysis(**state["analysis"]) if state["analysis"] else None
    sources = Sources(Source(**one) for one in state["sources"].values())
    texts = [one["text"] for one in state["answers"] if not one["round"] and one["text"]]
    return Coverage(texts, analysis, sources, state["question"])


def worth_a_revision(lost: Sequence[Item]) -> bool:
    """Whether so much is lost that a call may bring it back."""
    certain = any(one.kind in ("insight", "source") for one in lost)
    return certain or len(lost) >= FEW


def revision_messages(
    messages: Sequence[BaseMessage], draft: str, lost: Sequence[Item]
) -> list[BaseMessage]:
    """The writer's request and draft, and what the draft has lost: the beginning is cached."""
    told = prompt("revise", lost=tag("lost", as_lines(lost[:MOST])))
    return [*messages, AIMessage(draft), HumanMessage(told)]


class Reviser:
    """Has the writer's own models revise a draft, once."""

    def __init__(self, run: Run, client: SeatClient, coverage: Coverage) -> None:
        self._run, self._client, self._coverage = run, client, coverage

    async def revise(self, messages: Sequence[BaseMessage], draft: str) -> tuple[str, Revision]:
        """The text to go on with, and what was done; raises nothing of a model's."""
        lost = self._coverage.lost(draft)
        lines = tuple(one.as_line() for one in lost)
        if not worth_a_revision(lost):
            return draft, Revision(lost=lines, kept="draft", reason="little_lost")
        tell("writer.revision", model=str(self._client.model), lost=dict(counted(lost)))
        text, reason = await self._revised(revision_messages(messages, draft, lost))
        if reason is None:
            text, revision = self._better(draft, text, lost, lines)
        else:
            text, revision = draft, Revision(lost=lines, kept="draft", reason=reason)
        tell("writer.revised", **revision.model_dump(mode="json", exclude={"lost"}))
        return text, revision

    async def _revised(self, talk: list[BaseMessage]) -> tuple[str, DraftKept | None]:
        async def send(model: BaseChatModel) -> AIMessage:
            client = self._client
            reply = await model.ainvoke(client.images.shown(talk, client.ref_of(model)))
            assert isinstance(reply, AIMessage)
            return without_tool_calls(reply)

        try:
            reply = await self._client.reply(talk, send)
        except SeatFailed as failed:
            return "", self._failed(reason_text(failed.fault.reason, failed.fault.detail))
        except BudgetReached:
            return "", self._failed(reason_text("budget"))
        if finish_reason(reply) == "length":
            return "", self._failed(reason_text("truncated"))
        return strip_tool_markup(str(reply.text)).strip(), None

    def _failed(self, why: str) -> DraftKept:
        self._run.degrade("revision_failed", f"The draft was not revised: {why}.")
        return "failed"

    def _better(
        self, draft: str, text: str, lost: Sequence[Item], lines: tuple[str, ...]
    ) -> tuple[str, Revision]:
        """The revision if it brings back more than it loses, else the draft."""
        still = self._coverage.lost(text)
        brought = len(set(lost) - set(still))
        dropped = len(set(still) - set(lost)) + len(self._made_up(text) - self._made_up(draft))
        kept = brought > dropped
        revision = Revision(
            lost=lines,
            kept="revision" if kept else "draft",
            reason=None if kept else "no_better",
            brought=brought,
            dropped=dropped,
        )
        return (text if kept else draft), revision

    def _made_up(self, text: str) -> set[str]:
        """Ids in a text that are no source's."""
        return {id for id in cited_ids(text) if self._coverage.sources.resolve(id) is None}
