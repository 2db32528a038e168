"""One key asks for more than the server has; the others get their turns."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.runs.admission import Admission, Slot


async def _waits(slot: Slot, order: list[str], name: str, go_on: asyncio.Event) -> None:
    async with slot.turn():
        order.append(name)
        await go_on.wait()


async def test_another_key_waits_for_one_turn_and_not_for_all_of_the_first() -> None:
    admission, order, go_on = Admission(1, 20), list[str](), asyncio.Event()
    asked = [
        asyncio.create_task(_waits(admission.enter(name), order, name, go_on))
        for name in ("ada",) * 8 + ("bob",) * 3 + ("eve",)
    ]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*asked)
    assert order[:6] == ["ada", "ada", "bob", "eve", "ada", "bob"]
    assert (admission.admitted, admission.running) == (0, 0)


async def test_who_is_urgent_is_next_and_among_equals_keys_take_turns() -> None:
    admission, order, go_on = Admission(1, 20), list[str](), asyncio.Event()
    wanted = [("ada", 0), ("ada", 0), ("bob", 0), ("bob", 3), ("eve", 9), ("ada", 3), ("ada", 1)]
    asked = [
        asyncio.create_task(
            _waits(admission.enter(name, priority), order, f"{name}{priority}", go_on)
        )
        for name, priority in wanted
    ]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*asked)
    assert order == ["ada0", "eve9", "ada3", "bob3", "ada1", "bob0", "ada0"]


async def test_a_key_that_floods_leaves_places_for_others() -> None:
    admission = Admission(32, 64)
    flood = 0
    with suppress(ApiError):
        while True:
            admission.enter("ada")
            flood += 1
    assert flood == 24 + 32
    for _ in range(20):
        admission.enter("bob")


async def test_a_key_with_nothing_under_way_is_let_in_though_others_fill_the_queue() -> None:
    admission = Admission(2, 4)
    for name in ("ada", "bob", "eve"):
        with suppress(ApiError):
            while True:
                admission.enter(name)
    late = admission.enter("dan")
    with pytest.raises(ApiError) as refused:
        admission.enter("dan")
    assert (refused.value.status, refused.value.code) == (429, "server_full")
    late.leave()


async def test_without_keys_all_places_are_everybodys() -> None:
    admission = Admission(2, 3)
    for _ in range(5):
        admission.enter(None)
    with pytest.raises(ApiError, match="the server is full"):
        admission.enter(None)


_STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ask", "end", "cancel"])))


@settings(deadline=None)
@given(_STEPS, st.integers(1, 5), st.integers(0, 6))
def test_whatever_happens_no_place_is_lost_and_no_turn_wasted(
    steps: list[tuple[str, str]], max_runs: int, queue: int
) -> None:
    async def play() -> None:
        admission = Admission(max_runs, queue)
        asked = list[tuple[str, asyncio.Task[None], asyncio.Event]]()
        for client, step in steps:
            mine = [one for one in asked if one[0] == client and not one[1].done()]
            if step == "ask":
                with suppress(ApiError):
                    slot, end = admission.enter(client), asyncio.Event()
                    task = asyncio.create_task(_waits(slot, [], client, end))
                    asked.append((client, task, end))
            elif mine and step == "end":
                mine[0][2].set()
            elif mine:
                mine[-1][1].cancel()
            for _ in range(5):
                await asyncio.sleep(0)
            _is_sound(admission, Counter(c for c, task, _ in asked if not task.done()), max_runs)
        for _, task, _ in asked:
            task.cancel()
        await asyncio.gather(*(task for _, task, _ in asked), return_exceptions=True)
        assert (admission.admitted, admission.running, admission.waiting) == (0, 0, 0)

    asyncio.run(play())


def _is_sound(admission: Admission, alive: Counter[str], max_runs: int) -> None:
    share = max(1, max_runs * 3 // 4)
    assert admission.admitted == alive.total()
    assert admission.running == min(max_runs, sum(min(share, n) for n in alive.values()))
