"""Outcomes that nobody waits for any more."""

import asyncio
from typing import Any


def retrieve_exception(done: "asyncio.Future[Any]") -> None:
    """Look at it, so that asyncio does not complain about an outcome nobody waits for any more."""
    if not done.cancelled():
        done.exception()
