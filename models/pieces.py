"""The pieces of a streamed reply: who listens to them, and which count as progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

_listener: ContextVar[Callable[[AIMessageChunk], None] | None] = ContextVar("pieces", default=None)


@contextmanager
def listen_to_pieces(listener: Callable[[AIMessageChunk], None]) -> Iterator[None]:
    """Call `listener` with every piece of a reply to a call that this task makes in the block."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def emit_piece(piece: AIMessageChunk) -> None:
    """Pass a piece on to the listener, if there is one."""
    if listener := _listener.get():
        listener(piece)


def carries_something(value: Any) -> bool:
    """Whether what a server sent brings the reply forward: empty chunks keep a line open only."""
    if not isinstance(value, dict):
        return False
    if value.get("usage") or value.get("error"):
        return True
    choices = value.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        return False
    delta = first.get("delta")
    said = delta.items() if isinstance(delta, dict) else ()
    whole = first.get("finish_reason") or first.get("message") or first.get("text")
    return bool(whole) or any(value for key, value in said if key != "role")
