import asyncio
import threading
import time
from itertools import pairwise

import pytest

from langgraph_fusion.models.loop_share import LARGE, off_loop, share_loop, size_of


def work_for(seconds: float) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        pass


async def test_who_has_worked_for_long_lets_all_others_have_a_round() -> None:
    await share_loop()
    rounds = [0, 0]

    async def busy(who: int) -> None:
        for _ in range(10):
            work_for(0.02)
            await share_loop()
            rounds[who] += 1

    seen = list[tuple[int, int]]()

    async def other() -> None:
        while rounds != [10, 10]:
            seen.append((rounds[0], rounds[1]))
            await asyncio.sleep(0)

    await asyncio.gather(busy(0), busy(1), other())
    steps = [sum(after) - sum(before) for before, after in pairwise(seen)]
    assert max(steps) <= 2, "in one round of the loop each had one turn at most"


async def test_large_work_is_done_in_a_thread_and_small_work_here() -> None:
    here = threading.get_ident()
    assert await off_loop(LARGE - 1, threading.get_ident) == here
    assert await off_loop(LARGE, threading.get_ident) != here
    with pytest.raises(ZeroDivisionError):
        await off_loop(LARGE, lambda: 1 // 0)


def test_the_size_of_a_value_is_counted_no_further_than_it_matters() -> None:
    assert size_of({"a": ["xyz", 1, None], "b": {"c": "12"}}) == 5 + 16 * 7
    assert size_of("x" * 10_000_000) > LARGE
    endless: list[object] = []
    endless.append(endless)
    assert size_of(endless) >= LARGE
