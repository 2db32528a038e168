import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.graph.calls.budget import Budget, BudgetReached, Planned
from langgraph_fusion.models.prices import FREE, Price

ONE_AND_TWO = Price(input=1.0, output=2.0)
CALL = Planned(ONE_AND_TWO, input_tokens=10_000, max_tokens=16_000)
"""At most 0.01 + 0.032 dollars; with the least output 0.014."""


async def test_a_call_that_might_pass_its_share_is_not_reserved() -> None:
    budget = Budget(0.02)
    with pytest.raises(BudgetReached, match=r"0\.0140"):
        await budget.reserve(CALL, 0.6)
    assert (await budget.reserve(CALL, 1.0)).max_tokens == 5_000


async def test_what_is_settled_for_less_can_be_spent_by_others() -> None:
    budget = Budget(0.05)
    first = await budget.reserve(CALL, 1.0)
    assert first.max_tokens == CALL.max_tokens
    budget.settle(first, 0.001)
    assert (await budget.reserve(CALL, 1.0)).max_tokens == CALL.max_tokens
    assert budget.spent_usd == 0.001


async def test_calls_side_by_side_take_less_rather_than_wait() -> None:
    budget = Budget(0.08)
    limits = [(await budget.reserve(CALL, 1.0)).max_tokens for _ in range(2)]
    assert limits == [16_000, 14_000]


async def test_a_call_waits_until_others_are_settled() -> None:
    budget = Budget(0.05)
    first = await budget.reserve(CALL, 1.0)
    second = asyncio.create_task(budget.reserve(CALL, 1.0))
    await asyncio.sleep(0)
    assert not second.done()
    budget.settle(first, 0.002)
    assert (await second).max_tokens == CALL.max_tokens


async def test_a_call_does_not_wait_for_what_cannot_help() -> None:
    budget = Budget(0.05)
    spent = await budget.reserve(CALL, 1.0)
    budget.settle(spent, 0.04)
    await budget.reserve(Planned(ONE_AND_TWO, 100, 16), 1.0)
    with pytest.raises(BudgetReached):
        await budget.reserve(CALL, 1.0)


async def test_a_waiting_call_that_is_cancelled_leaves_nothing_behind() -> None:
    budget = Budget(0.05)
    first = await budget.reserve(CALL, 1.0)
    waiting = asyncio.create_task(budget.reserve(CALL, 1.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    budget.settle(first, 0.0)
    assert (await budget.reserve(CALL, 1.0)).max_tokens == CALL.max_tokens


async def test_an_unknown_cost_counts_as_the_worst_case_unless_it_is_to_be_ignored() -> None:
    strict, lenient = Budget(1.0), Budget(1.0, "ignore")
    for budget in (strict, lenient):
        budget.settle(await budget.reserve(CALL, 1.0), None)
    assert strict.spent_usd == pytest.approx(0.042)
    assert lenient.spent_usd == 0.0


async def test_a_free_model_is_never_refused() -> None:
    budget = Budget(1e-6)
    reserved = await budget.reserve(Planned(FREE, 10_000_000, 16_000), 0.6)
    assert (reserved.usd, reserved.max_tokens) == (0.0, 16_000)


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_calls_cost_up_to_their_worst_case_the_cap_holds(seed: int) -> None:
    """Forty calls side by side of any size, some of unknown cost; none may wait for ever."""
    chance = random.Random(seed)
    budget = Budget(chance.uniform(0.01, 0.5))
    spent = 0.0

    async def call() -> None:
        nonlocal spent
        price = Price(chance.uniform(0, 5), chance.uniform(0, 25))
        planned = Planned(price, chance.randrange(100, 60_000), chance.randrange(16, 32_000))
        share = chance.choice([0.6, 0.7, 1.0])
        await asyncio.sleep(chance.uniform(0, 0.02))
        try:
            reserved = await budget.reserve(planned, share)
        except BudgetReached:
            return
        assert reserved.max_tokens is not None
        assert reserved.max_tokens >= planned.least
        await asyncio.sleep(chance.uniform(0, 0.01))
        actual = chance.choice([0.0, chance.uniform(0, reserved.usd), reserved.usd])
        spent += actual
        budget.settle(reserved, chance.choice([actual, None]))

    async with asyncio.timeout(30):
        await asyncio.gather(*(call() for _ in range(40)))
    assert spent <= budget.spent_usd + 1e-9
    assert budget.spent_usd <= (budget.cap_usd or 0) + 1e-6


async def test_two_calls_side_by_side_share_what_there_is() -> None:
    for cap, limits in ((0.2, (16_000, 16_000)), (0.06, (12_000, 8_000)), (0.03, (10_000, None))):
        budget = Budget(cap)
        first, second = await budget.reserve_two(CALL, CALL, 1.0)
        if second is None:
            assert limits[1] is None
        else:
            assert (first.max_tokens, second.max_tokens) == limits
        assert first.usd + (second.usd if second else 0) <= cap


@given(st.floats(0.02, 1), st.integers(1, 50_000), st.lists(st.floats(0, 1), max_size=6))
def test_what_two_calls_set_aside_never_passes_the_cap_and_is_given_back(
    cap: float, tokens: int, costs: list[float]
) -> None:
    async def reserve() -> None:
        budget = Budget(cap)
        call = Planned(ONE_AND_TWO, tokens, 16_000)
        for share in costs:
            try:
                first, second = await budget.reserve_two(call, call, 1.0)
            except BudgetReached:
                return
            set_aside = first.usd + (second.usd if second else 0)
            assert budget.spent_usd + set_aside <= cap + 1e-9
            budget.settle(first, first.usd * share)
            if second is not None:
                budget.settle(second, 0.0)
            assert budget.spent_usd <= cap + 1e-9
            assert budget._room(1.0) == pytest.approx(cap - budget.spent_usd)

    asyncio.run(reserve())
