"""Read a member's answer out of its transcript, and keep what it learned when it was cut off."""

from collections.abc import Sequence
from typing import Literal

from langchain_core.messages import AIMessage, BaseMessage

from langgraph_fusion.graph.citations import cited_ids
from langgraph_fusion.graph.members.cited_links import cite_links
from langgraph_fusion.graph.members.member_context import MemberContext
from langgraph_fusion.graph.records import AskedFollowUp, Failure, MemberAnswer
from langgraph_fusion.models.answer_text import finish_reason, reasoning_of, text_of


def read_answer(
    context: MemberContext,
    transcript: Sequence[BaseMessage],
    failure: Failure | None,
    asked: Sequence[AskedFollowUp],
) -> MemberAnswer:
    """Return the final answer, or the partial work of a member that failed or was cut off."""
    replies = [message for message in transcript if isinstance(message, AIMessage)]
    written = _final(replies) if failure is None else _partial(context, replies)
    text = cite_links(written, context.seat, context.shared.sources)
    if failure is None and not text:
        failure = _nothing_left(context)
    status: Literal["ok", "partial", "failed"] = "ok"
    if failure is not None:
        status = "partial" if text else "failed"
    return MemberAnswer(
        seat=context.seat,
        model=str(context.client.model),
        round=context.round,
        text=text,
        status=status,
        error=failure,
        truncated=bool(replies) and finish_reason(replies[-1]) == "length",
        cited=tuple(cited_ids(text)),
        shown=tuple(one.id for one in context.shared.sources.all() if one.seat == context.seat),
        tool_calls=context.tool_calls,
        tool_errors=context.tool_errors,
        searches=context.searches,
        tools=tuple(context.tool_uses.values()),
        switches=tuple(context.client.switches),
        cut_short=context.cut_short,
        shortened=context.sending.shortened,
        without_tools=context.client.model in context.sending.without_tools,
        asked=tuple(one.id for one in asked),
    )


def reasoning_in(transcript: Sequence[BaseMessage]) -> str:
    """What the member's models thought, turn by turn; empty for those that show nothing."""
    return "\n\n".join(thought for one in transcript if (thought := reasoning_of(one)))


def _final(replies: Sequence[AIMessage]) -> str:
    return text_of(replies[-1]) if replies else ""


def _partial(context: MemberContext, replies: Sequence[AIMessage]) -> str:
    """What it had written between tool calls, and what it had been shown."""
    texts = [text_of(reply) for reply in replies]
    sources = [source for source in context.shared.sources.all() if source.seat == context.seat]
    if sources and context.tool_calls:
        seen = "\n".join(f"- {source.title} [{source.id}]" for source in sources)
        texts.append(f"Cut off before the answer was written. Sources found by then:\n{seen}")
    return "\n\n".join(text for text in texts if text)


def _nothing_left(context: MemberContext) -> Failure:
    return Failure(
        seat=context.seat,
        model=str(context.client.model),
        reason="empty",
        detail="the reply held nothing but tool markup",
        round=context.round,
    )
