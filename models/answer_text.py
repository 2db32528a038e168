"""Whether a reply is an answer, and its text without what is not meant for readers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.replies.finish_reasons import Ending, ending_of
from langgraph_fusion.models.text import clean_detail
from langgraph_fusion.models.tool_markup import is_only_a_remark, strip_tool_markup

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_LONGEST_REFUSAL = 600
_SORRY = r"(?:(?:i'?m|i am) (?:\w+ )?sorry|sorry|i apologi[sz]e|unfortunately)[,.;:]? (?:but )?"
_CANNOT = (
    r"i (?:can'?t|cannot|can not|won'?t|will not|must decline to)"
    r"|i(?:'m| am) (?:unable|not able) to"
)
_HELP = (
    r"help(?! but)|assist|comply|fulfil?l|engage|participate|continue with"
    r"|(?:discuss|provide|answer|do|create|write|generate|produce|complete|share|give|offer)"
    r" (?:that|this|such|you with (?:that|this)|(?:any )?(?:information|content|help) (?:on|about))"
)
_REFUSAL = re.compile(rf"\W*(?:{_SORRY})?(?:{_CANNOT}) (?:{_HELP})\b", re.I)
_CITATION = re.compile(r"\[[A-H]\d+\]")


def finish_reason(message: BaseMessage) -> Ending | None:
    """Return why the model stopped, as one of our own finish reasons."""
    return ending_of(_said_at_the_end(message))


def _said_at_the_end(message: BaseMessage) -> object:
    metadata = message.response_metadata
    return metadata.get("finish_reason") or metadata.get("stop_reason")


def text_of(message: BaseMessage) -> str:
    """Return the text of a reply without tool markup and thinking blocks."""
    return strip_tool_markup(str(message.text)).strip()


def reasoning_of(message: BaseMessage) -> str:
    """Return what the model thought before it spoke, as far as its provider shows it."""
    said = message.additional_kwargs.get("reasoning_content")
    return said if isinstance(said, str) else ""


def verdict_on(message: BaseMessage) -> Fault | None:
    """Return why a reply is no whole answer: broken off, filtered, refused, truncated or empty.

    None if it is one. Of a reply that calls tools only its end is judged. Refusals are recognised
    by what the provider says, and by the opening words of a short text that cites nothing.
    """
    if finish_reason(message) == "broken_off":
        said = f"the reply was broken off (finish reason `{_said_at_the_end(message)}`)"
        return Fault("bad_response", clean_detail(said))
    if getattr(message, "tool_calls", None) or getattr(message, "invalid_tool_calls", None):
        return None
    stopped, text = finish_reason(message), text_of(message)
    if stopped == "content_filter":
        return Fault("content_filter", clean_detail(text or "the provider filtered the reply"))
    refusal = message.additional_kwargs.get("refusal")
    if refusal or stopped == "refusal":
        return Fault("refused", clean_detail(str(refusal or text)))
    if stopped == "length":
        return Fault("truncated", "" if text else "the output limit was spent before any text")
    if not text:
        return Fault("empty", _why_empty(message))
    if is_only_a_remark(str(message.text)):
        return Fault("empty", "a remark and a tool call where none can be made")
    return Fault("refused", clean_detail(text)) if _refuses(text) else None


def _why_empty(message: BaseMessage) -> str:
    return "nothing but tool markup or thinking" if str(message.text).strip() else ""


def _refuses(text: str) -> bool:
    if len(text) > _LONGEST_REFUSAL or _CITATION.search(text):
        return False
    return bool(_REFUSAL.match(text.replace("\u2019", "'")))
