"""Futures that nobody awaits any more."""

import asyncio
from typing import Any


def retrieve_exception(done: "asyncio.Future[Any]") -> None:
    """Retrieve the exception, so that asyncio does not log it as never retrieved."""
    if not done.cancelled():
        done.exception()
