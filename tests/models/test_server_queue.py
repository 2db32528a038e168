"""Who works at a server and who waits: fair, grouped by model, and nobody's place is lost."""

import asyncio
import random
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_fusion.models.server_queue import MOST_OVERTAKEN, ServerQueue


class Desk:
    """A server that notes who it works for, and how many at a time."""

    def __init__(self, limit: int) -> None:
        self.queue = ServerQueue(limit)
        self.order: list[str] = []
        self.at_work = self.most = 0
        self.ahead: list[int] = []

    async def call(self, model: str, name: str = "", turns: int = 1) -> None:
        await self.queue.take(model, self.ahead.append)
        try:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
            self.order.append(name or model)
            for _ in range(turns):
                await asyncio.sleep(0)
        finally:
            self.at_work -= 1
            self.queue.leave()


async def test_as_many_work_as_the_server_takes_and_the_rest_know_who_is_before_them() -> None:
    desk = Desk(2)
    await asyncio.gather(*(desk.call("m", str(n)) for n in range(5)))
    assert desk.most == 2
    assert desk.order == ["0", "1", "2", "3", "4"]
    assert desk.ahead == [2, 3, 4]


async def test_calls_of_a_loaded_model_go_first() -> None:
    desk = Desk(1)
    await asyncio.gather(*(desk.call(model) for model in "ababab"))
    assert "".join(desk.order) == "aaabbb"


async def test_nobody_is_overtaken_for_ever() -> None:
    desk = Desk(1)
    calls = [desk.call("a"), desk.call("b"), *(desk.call("a") for _ in range(20))]
    await asyncio.gather(*calls)
    assert desk.order.index("b") == MOST_OVERTAKEN + 1


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), max_size=12),
    st.integers(),
)
@settings(max_examples=60, deadline=None)
def test_whoever_is_cancelled_no_place_is_lost_and_the_limit_holds(
    limit: int, calls: list[tuple[str, int, bool]], seed: int
) -> None:
    async def run() -> None:
        desk, rng = Desk(limit), random.Random(seed)
        tasks = [asyncio.create_task(desk.call(model, turns=n)) for model, n, _ in calls]
        for task, (_, _, cancelled) in zip(tasks, calls, strict=True):
            for _ in range(rng.randrange(3)):
                await asyncio.sleep(0)
            if cancelled:
                task.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks, return_exceptions=True)
            await desk.call("last")
        assert desk.most <= limit
        assert desk.at_work == 0

    asyncio.run(run())


async def test_a_higher_limit_lets_those_who_wait_begin() -> None:
    desk, held = Desk(1), asyncio.Event()

    async def hold() -> None:
        await desk.queue.take("m", desk.ahead.append)
        await held.wait()
        desk.queue.leave()

    tasks = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0)
    desk.queue.set_limit(3)
    held.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks)


def test_loops_of_other_threads_stand_in_the_same_queue() -> None:
    desk = Desk(1)

    def thread() -> None:
        async def run() -> None:
            await asyncio.gather(*(desk.call("m", turns=20) for _ in range(5)))

        asyncio.run(run())

    threads = [threading.Thread(target=thread) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert (len(desk.order), desk.most) == (20, 1)
