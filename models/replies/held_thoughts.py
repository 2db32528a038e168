"""Thinking and refusals are passed on in two pieces: their beginning at once, the rest at the end.

LangChain joins the pieces of a message's fields by copying all before for each of them: of a
megabyte of thinking in small pieces that takes seconds of the event loop.
"""

from __future__ import annotations

from langchain_core.messages import AIMessageChunk

_HELD = ("reasoning_content", "refusal")


class HeldThoughts:
    """The thinking of one reply."""

    def __init__(self) -> None:
        self._held: dict[str, list[str]] = {}

    def pass_on(self, piece: AIMessageChunk) -> AIMessageChunk | None:
        """The piece without what is held back; None if nothing is left."""
        said = piece.additional_kwargs
        for name in _HELD:
            if name not in said:
                continue
            if name not in self._held:
                self._held[name] = []
            else:
                self._held[name].append(said.pop(name))
        return piece if piece.content or said or piece.tool_call_chunks else None

    def end(self, last: AIMessageChunk) -> AIMessageChunk:
        """The last piece with all that was held back."""
        for name, parts in self._held.items():
            if parts:
                last.additional_kwargs[name] = "".join(parts)
        return last
