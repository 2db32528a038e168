import asyncio

import pytest

from langgraph_fusion.tools.single_flight import SingleFlight


class Work:
    """Counts how often it is begun and ended."""

    def __init__(self, fails: bool = False) -> None:
        self.begun = self.cancelled = 0
        self.fails = fails
        self.go_on = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fails:
            raise KeyError("failed")
        return self.begun


async def test_equal_requests_at_the_same_time_and_later_run_once() -> None:
    flights, work = SingleFlight[int](), Work()
    both = asyncio.gather(flights.get("k", work), flights.get("k", work))
    await asyncio.sleep(0)
    work.go_on.set()
    assert list(await both) == [1, 1]
    assert await flights.get("k", work) == 1
    assert await flights.get("other", work) == 2


async def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    flights, work = SingleFlight[int](), Work(fails=True)
    both = asyncio.gather(flights.get("k", work), flights.get("k", work), return_exceptions=True)
    await asyncio.sleep(0)
    work.go_on.set()
    assert [type(result) for result in await both] == [KeyError, KeyError]
    work.fails = False
    assert await flights.get("k", work) == 2


async def test_cancelling_one_who_waits_does_not_hurt_the_other() -> None:
    flights, work = SingleFlight[int](), Work()
    first = asyncio.create_task(flights.get("k", work))
    second = asyncio.create_task(flights.get("k", work))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    work.go_on.set()
    assert await second == 1
    assert first.cancelled()


async def test_work_nobody_waits_for_is_cancelled_and_can_be_asked_for_again() -> None:
    flights, work = SingleFlight[int](), Work()
    only = asyncio.create_task(flights.get("k", work))
    await asyncio.sleep(0.01)
    only.cancel()
    await asyncio.wait([only])
    work.go_on.set()
    assert await flights.get("k", work) == 2
    assert work.cancelled == 1


async def test_closing_cancels_what_is_under_way() -> None:
    flights, work = SingleFlight[int](), Work()
    asked = asyncio.create_task(flights.get("k", work))
    await asyncio.sleep(0.01)
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert work.cancelled == 1
