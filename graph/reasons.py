"""Codes of failures as sentences for a reader; the codes and raw details stay in the result."""

import re

_TEXTS = {
    "timeout": "no answer came in time",
    "rate_limited": "its provider limits requests",
    "insufficient_credits": "the provider's account has no credit",
    "invalid_model": "the provider does not have this model",
    "unauthorized": "the provider refuses the key",
    "forbidden": "the provider forbids it",
    "context_too_long": "the text is too long for the model",
    "tools_unsupported": "the model takes no tools",
    "tools_required": "the model insists on tools",
    "tool_choice_unsupported": "the model cannot be told to use no tools",
    "images_unsupported": "the model reads no images",
    "content_filter": "the provider's content filter stopped it",
    "refused": "the model declined to answer",
    "empty": "the reply was empty",
    "truncated": "the reply was cut off",
    "upstream_error": "the provider reports an error",
    "connection": "the server cannot be reached",
    "bad_response": "the server's reply cannot be read",
    "cancelled": "it was stopped",
    "unexpected_error": "something unexpected went wrong",
    "deadline": "its share of the time was used up",
    "budget": "the spend cap was reached",
    "quorum": "enough others had answered",
    "answer_now": "an answer was asked for at once",
    "stopped": "it was stopped by the user",
    "local_server": "the local server works on other calls",
    "tool_loop": "it went on repeating the same tool call",
    "judge_schema_mismatch": "the judge's reply did not have the form that was asked for",
    "judge_not_valid_json": "the judge's reply could not be read",
    "judge_empty_completion": "the judge's reply was empty",
    "judge_timeout": "the judge did not answer in time",
    "judge_upstream_error": "the judge could not be asked",
    "judge_budget": "the spend cap was reached before the judge",
    "budget_exceeded": "the spend cap was reached",
    "all_panels_failed": "no member answered",
    "quorum_not_met": "too few members answered",
    "synthesizer_failed": "no writer could answer",
    "sandbox_unavailable": "there is no sandbox",
    "taken_over": "another process goes on with it",
    "output_failed": "the answer could not be written",
    "tool_calls": "it waits for the results of the client's tools",
}
_DETAIL_HELPS = frozenset(
    {
        "rate_limited", "insufficient_credits", "invalid_model", "unauthorized", "forbidden",
        "content_filter", "refused", "upstream_error", "connection", "unexpected_error",
    }
)  # fmt: skip
"""Where what the server said tells a reader more than the sentence."""
_FOR_PROGRAMS = re.compile(
    r"\w*(?:Error|Exception|Timeout|Fault)\w*|[\W\d_]*|.*\bvalidation error.*"
)
_LONGEST = 160


def reason_text(reason: str, detail: str = "") -> str:
    """Return why something failed, as a part of a sentence.

    `detail` is added where it helps: never the name of an exception, never a dump of a validation.
    """
    if reason.startswith("synthesizer_") and reason not in _TEXTS:
        return reason_text(reason.removeprefix("synthesizer_"), detail)
    text = _TEXTS.get(reason, reason.replace("_", " "))
    words = " ".join(detail.split())
    if not words or reason not in _DETAIL_HELPS or _FOR_PROGRAMS.fullmatch(words):
        return text
    return f"{text}: {words if len(words) <= _LONGEST else words[: _LONGEST - 1] + '…'}"
