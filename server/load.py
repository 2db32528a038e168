"""What all requests under way may take together: their number, and the bytes of their bodies.

Admission limits deliberations; this limits what comes before it, and every other path.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from langgraph_fusion.server.errors import ApiError

ALWAYS_ANSWERED = frozenset({"/healthz"})
"""Whoever watches the process has to know that it lives, also when it is full."""
_RETRY_S = 5
_COLLECT_AFTER = 32 << 20
_FULL = "the server is full: {} requests are under way"


@dataclass
class RequestLoad:
    """What one request takes, from its head to the end of its reply."""

    _load: "Load"
    client: str | None = None
    body_bytes: int = 0

    def add_to_body(self, size: int) -> None:
        """Count bytes of the body.

        Raises:
            HTTPException: 503, if all bodies together, or those of this client, are too large.
        """
        self._load.add_to_body(self, size)


class Load:
    """The requests of one process that are under way."""

    def __init__(self, max_requests: int, max_body_bytes: int) -> None:
        self._max_requests = max_requests
        self._max_body_bytes = max_body_bytes
        self._bytes = Counter[str | None]()
        self._requests = 0
        self._gone = 0

    @contextmanager
    def request(self, path: str) -> Iterator[RequestLoad]:
        """Count a request for the length of the block.

        Raises:
            ApiError: 503, if there are too many.
        """
        if self._requests >= self._max_requests and path not in ALWAYS_ANSWERED:
            raise ApiError(
                503, _FULL.format(self._requests), code="server_full", retry_after_s=_RETRY_S
            )
        request = RequestLoad(self)
        self._requests += 1
        try:
            yield request
        finally:
            self._requests -= 1
            self._bytes -= Counter({request.client: request.body_bytes})
            self._free(request.body_bytes)

    def _free(self, size: int) -> None:
        """Collect what ended runs have left, once so many bytes of bodies have gone through them.

        A run leaves cycles that hold its texts several times. Python collects by the number of
        objects, so that a few of them may be gigabytes.
        """
        self._gone += size
        if self._gone >= _COLLECT_AFTER:
            self._gone = 0
            gc.collect()

    def add_to_body(self, request: RequestLoad, size: int) -> None:
        """Do `RequestLoad.add_to_body`."""
        request.body_bytes += size
        self._bytes[request.client] += size
        share = self._max_body_bytes // (1 if request.client is None else 2)
        if self._bytes.total() > self._max_body_bytes or self._bytes[request.client] > share:
            raise HTTPException(
                503,
                "the bodies of all requests under way are too large together; send it again later",
                headers={"Retry-After": str(_RETRY_S)},
            )
