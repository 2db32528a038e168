"""When a member stops its research and writes, enforced also during tool and model calls."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

TIME_IS_UP = "interrupted, to leave time for writing the answer"


class Schedule:
    """Research until `soft_end`, write until `end`; both are `time.monotonic()`.

    At the soft end tools are interrupted. A model call that still researches may go on for half of
    what is left, because its reply may be the answer; then it is interrupted as well.
    """

    def __init__(self, soft_end: float, end: float) -> None:
        self.why = "time"
        """What made it time to write: `time`, `quorum`, `answer_now` or `stopped`."""
        self._soft_end, self._end = soft_end, end
        self._tools: set[asyncio.Timeout] = set()
        self._calls: set[asyncio.Timeout] = set()

    @property
    def over(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() >= self._soft_end

    @property
    def left_s(self) -> float:
        """Seconds until it is time to write, 0 when it is."""
        return max(0.0, self._soft_end - time.monotonic())

    @property
    def _last_call(self) -> float:
        return (self._soft_end + self._end) / 2

    def wrap_up(self, grace_s: float, why: str = "quorum") -> None:
        """Write from now on, within so many seconds: by default enough others have answered."""
        now, self.why = time.monotonic(), why
        self._soft_end, self._end = now, min(self._end, now + grace_s)
        for limits, end in ((self._tools, self._soft_end), (self._calls, self._last_call)):
            for limit in limits:
                if not limit.expired():
                    limit.reschedule(_loop_time(end))

    def tool(self) -> AbstractAsyncContextManager[None]:
        """Interrupt a tool when it is time to write; raises TimeIsUp."""
        return _until(self._soft_end, self._tools)

    def research(self) -> AbstractAsyncContextManager[None]:
        """Interrupt a model call that may still ask for tools; raises TimeIsUp."""
        return _until(self._last_call, self._calls)


class TimeIsUp(TimeoutError):
    """Something was interrupted so that the member can write."""


@asynccontextmanager
async def _until(end: float, at_work: set[asyncio.Timeout]) -> AsyncIterator[None]:
    limit = asyncio.timeout_at(_loop_time(end))
    try:
        async with limit:
            at_work.add(limit)
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise  # the work's own
        raise TimeIsUp(TIME_IS_UP) from error
    finally:
        at_work.discard(limit)


def _loop_time(monotonic: float) -> float:
    return asyncio.get_running_loop().time() + monotonic - time.monotonic()
