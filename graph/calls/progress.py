"""Report the progress of a streamed reply, without an event for every token."""

import time

from langchain_core.messages import AIMessageChunk

from langgraph_fusion.graph.events import tell
from langgraph_fusion.models.answer_text import reasoning_of

EVERY_S = 1.0
"""Between two events of one reply: enough to see that a slow model is at work. Ours."""
_SHOWN_CHARS = 80


class Progress:
    """One reply while it comes; `add` takes its pieces."""

    def __init__(self, seat: str, model: str, round: int) -> None:
        self._who = {"seat": seat, "model": model, "round": round}
        self._chars = 0
        self._end = ""
        """The last characters of what has come."""
        self._told = time.monotonic()

    def add(self, piece: AIMessageChunk) -> None:
        """Count a piece, and send a progress event if one is due."""
        text = str(piece.text) or reasoning_of(piece)
        if not text:
            return
        self._chars += len(text)
        self._end = (self._end + text)[-_SHOWN_CHARS:]
        now = time.monotonic()
        if now - self._told >= EVERY_S:
            self._told = now
            tell("model.progress", **self._who, chars=self._chars, text=self._end)
