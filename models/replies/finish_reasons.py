"""Finish reasons of all providers, mapped to ours."""

from __future__ import annotations

from typing import Literal

Ending = Literal["stop", "tool_calls", "length", "content_filter", "refusal", "broken_off"]

_WORDS: dict[Ending, str] = {
    # OpenAI, Anthropic, Bedrock, Cohere, Together, TGI, llama.cpp, LM Studio
    "stop": "stop end_turn stop_sequence stop_word stopped_word eos eos_token eos_found stopped_eos"
    " end_of_text end end_of_turn complete completed done finish finished success natural_stop"
    " stop_string_found",
    "tool_calls": "tool_calls tool_call tool_use function_call function_calls",
    # Gemini; Anthropic's and Zhipu's full context window; Bedrock; llama.cpp
    "length": "length max_tokens max_output_tokens max_completion_tokens max_new_tokens max_length"
    " model_length token_limit limit stop_limit stopped_limit model_context_window_exceeded"
    " context_length context_length_exceeded context_length_reached"
    " max_predicted_tokens_reached incomplete",
    # Gemini, Zhipu (sensitive), Bedrock
    "content_filter": "content_filter content_filtered safety recitation prohibited_content"
    " blocklist spii image_safety sensitive guardrail_intervened moderation language",
    "refusal": "refusal refused",
}
_ENDINGS = {word: ending for ending, words in _WORDS.items() for word in words.split()}
_UNSAID = ("null", "none", "unspecified", "finish_reason_unspecified")


def ending_of(said: object) -> Ending | None:
    """Return how a reply ended; None if the server did not say.

    What is not known to be a good end is `broken_off`: `error`, `network_error`, `abort`,
    `insufficient_system_resource`, `malformed_function_call`, `repetition_truncation`, `OTHER` …
    """
    if not isinstance(said, str) or not said.strip():
        return None
    words = said.strip()
    once = _plain(words[: (words + words).find(words, 1)])  # chunks LangChain merged repeat it
    return None if once in _UNSAID else _ENDINGS.get(once, "broken_off")


def _plain(word: str) -> str:
    """`MAX_TOKENS`, `finishReason.max-tokens` and `maxTokens` are one word."""
    bare = word.rpartition(".")[2].replace("-", "_").replace(" ", "_")
    if not bare.isupper():
        bare = "".join(f"_{c}" if c.isupper() else c for c in bare).lstrip("_")
    return bare.lower()
