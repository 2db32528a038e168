"""The event loop is everybody's: how what takes long lets others have their turn.

A socket with much to read, or a queue that is full, never makes its reader wait: who reads it in a
loop would keep the event loop until it is empty, and so would the next one. `share_loop` waits for
the loop's next round when this one has taken long, whoever it was that took the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

LARGE = 1 << 16
"""Characters of a text above which it is read, checked or written in a thread."""
_OF_A_VALUE = 16
"""What a value costs that is no text, in characters."""
_ROUND_S = 0.01
"""Seconds of work in one round of the loop, after which what can wait does."""

P = ParamSpec("P")
T = TypeVar("T")


class _Round:
    """When the round of one event loop began."""

    def __init__(self) -> None:
        self.began = 0.0
        self.is_due = False

    def begin(self) -> None:
        self.began, self.is_due = perf_counter(), False


_rounds: WeakKeyDictionary[asyncio.AbstractEventLoop, _Round] = WeakKeyDictionary()


async def share_loop() -> None:
    """Wait for the next round of the event loop, if this one has taken ten milliseconds or more."""
    loop = asyncio.get_running_loop()
    current = _rounds.get(loop)
    if current is None:
        current = _rounds.setdefault(loop, _Round())
    if perf_counter() - current.began < _ROUND_S:
        return
    if not current.is_due:  # before us in the next round: the clock starts with it
        current.is_due = True
        loop.call_soon(current.begin)
    await asyncio.sleep(0)


def size_of(value: Any) -> int:
    """Roughly how many characters a JSON-able value has; counted no further than `LARGE`."""
    size, waiting = 0, [value]
    while waiting and size < LARGE:
        one = waiting.pop()
        size += _OF_A_VALUE
        if isinstance(one, str):
            size += len(one)
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
    return size


async def off_loop(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `work` returns: called here if `size` characters are few, else in a thread.

    A thread gives way to the event loop every few milliseconds.
    """
    if size < LARGE:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
