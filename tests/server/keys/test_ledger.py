"""What is charged to keys, at both kinds of places, by two servers at once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import psycopg
import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.key import Caps, Charge, Key
from langgraph_fusion.server.keys.key_ring import KeyRing, is_shared
from langgraph_fusion.server.keys.places import TotalLimits


@pytest.fixture
async def rings(place: str) -> AsyncIterator[tuple[KeyRing, KeyRing]]:
    async with KeyRing(place).open() as a, KeyRing(place).open() as b:
        yield a, b


async def _key(ring: KeyRing, name: str, caps: Caps) -> Key:
    key = await ring.find(await ring.add(name, caps))
    assert key is not None
    return key


async def _charged(ring: KeyRing, key: Key, wanted: float | None = None) -> Charge | int:
    """The charge, or the status of the refusal."""
    try:
        return await ring.charge(key, wanted)
    except ApiError as error:
        return error.status


def _age(place: str, seconds: float) -> None:
    """Let all that stands there be that much older."""
    change = f"update charges set at = at - {seconds}, lease_until = lease_until - {seconds}"
    if is_shared(place):
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute("set search_path = fusion")
            connection.execute(change.encode())
        return
    with closing(sqlite3.connect(place)) as db, db:
        db.execute(change)


async def test_a_cap_holds_to_the_cent_when_two_servers_charge_it_fifty_times_at_once(
    rings: tuple[KeyRing, KeyRing],
) -> None:
    key = await _key(rings[0], "ada", Caps(per_day_usd=0.5, per_run_usd=0.07))
    asked = [_charged(ring, key) for ring in rings for _ in range(25)]
    found = await asyncio.gather(*asked)
    charges = [one for one in found if isinstance(one, Charge)]
    assert len(charges) == 8
    assert sum(one.budget_usd or 0 for one in charges) == pytest.approx(0.5, abs=1e-9)
    assert {one for one in found if not isinstance(one, Charge)} == {429}
    for one in charges:
        await rings[1].settle(one, 0.06, 0.06)
    assert (await rings[0].all())[0][1].today_usd == pytest.approx(0.48)


async def test_a_rate_of_four_a_minute_lets_four_through_two_servers(
    rings: tuple[KeyRing, KeyRing], place: str
) -> None:
    key = await _key(rings[0], "ada", Caps(per_minute=4))
    found = await asyncio.gather(*(_charged(ring, key) for ring in rings for _ in range(5)))
    assert sum(isinstance(one, Charge) for one in found) == 4
    _age(place, 61)
    assert isinstance(await _charged(rings[1], key), Charge)


async def test_a_key_is_known_and_gone_on_the_other_server_at_once(
    rings: tuple[KeyRing, KeyRing],
) -> None:
    token = await rings[0].add("ada", Caps())
    key = await rings[1].find(token)
    assert key is not None
    with pytest.raises(ConfigError, match="already"):
        await rings[1].add("ada", Caps())
    await rings[1].remove("ada")
    assert await rings[0].find(token) is None
    assert await _charged(rings[0], key) == 401


async def test_a_run_that_has_not_begun_when_its_server_is_gone_costs_nothing(
    rings: tuple[KeyRing, KeyRing], place: str
) -> None:
    a, b = rings
    key = await _key(a, "ada", Caps(total_usd=1.0, per_run_usd=0.6))
    waits = await a.charge(key, None)
    assert (await b.charge(key, None)).budget_usd == pytest.approx(0.4)
    _age(place, 40)  # neither has renewed its lease
    assert (await b.charge(key, None)).budget_usd == 0.6
    with pytest.raises(ApiError) as late:
        await a.begin(waits)
    assert late.value.status == 503


async def test_what_a_run_may_have_cost_stays_when_its_server_is_gone_until_that_says_more(
    rings: tuple[KeyRing, KeyRing], place: str
) -> None:
    a, b = rings
    key = await _key(a, "ada", Caps(total_usd=1.0, per_run_usd=1.0))
    charge = await a.charge(key, None)
    await a.begin(charge)
    assert await _charged(b, key) == 429  # it is under way
    _age(place, 40)
    assert await _charged(b, key) == 402  # nobody knows what it cost
    await a.settle(charge, 0.25, 0.25)
    assert (await b.charge(key, None)).budget_usd == pytest.approx(0.75)


async def test_a_key_has_so_many_runs_at_once_over_two_servers(
    rings: tuple[KeyRing, KeyRing], place: str
) -> None:
    a, b = rings
    key = await _key(a, "ada", Caps(at_once=2))
    first = await a.charge(key, None)
    await b.charge(key, None)
    assert await _charged(b, key) == 429
    await a.settle(first, 0.0, 0.0)
    last = await a.charge(key, None)
    await a.begin(last)
    assert await _charged(b, key) == 429
    _age(place, 40)  # places of runs whose server is gone
    assert isinstance(await _charged(b, key), Charge)


async def test_servers_together_run_so_many_and_keys_take_turns(place: str) -> None:
    limits = TotalLimits(runs=2, queue=3)
    async with KeyRing(place, limits).open() as a, KeyRing(place, limits).open() as b:
        ada, eve = [await _key(a, name, Caps()) for name in ("ada", "eve")]
        first = await a.charge(ada, None)
        await a.begin(first)
        waiting = [await one.charge(ada, None) for one in (a, b)]
        assert await _charged(b, ada) == 429  # its share of places and queue
        others = [await b.charge(eve, None) for _ in range(2)]
        assert await _charged(a, eve) == 429  # all are taken
        order: list[int] = []

        async def take(ring: KeyRing, charge: Charge) -> None:
            await ring.begin(charge)
            order.append(charge.id)

        rings = [a, b, b, b]
        charges = [*waiting, *others]
        turns = [asyncio.create_task(take(*one)) for one in zip(rings, charges, strict=True)]
        ended = first
        for expected in (others[0], waiting[0], others[1], waiting[1]):
            async with asyncio.timeout(30):
                while len(order) == len(set(order) - {expected.id}):
                    await asyncio.sleep(0.05)
            assert order[-1] == expected.id
            await a.settle(ended, 0.0, 0.0)
            ended = expected
        await asyncio.gather(*turns)


async def test_of_those_that_wait_over_two_servers_the_most_urgent_is_next(place: str) -> None:
    limits = TotalLimits(runs=1, queue=9)
    async with KeyRing(place, limits).open() as a, KeyRing(place, limits).open() as b:
        ada, eve = [await _key(a, name, Caps()) for name in ("ada", "eve")]
        first = await a.charge(ada, None)
        await a.begin(first)
        slow, urgent = await a.charge(ada, None), await b.charge(eve, None, priority=2)
        turns = [asyncio.create_task(ring.begin(one)) for ring, one in ((a, slow), (b, urgent))]
        await asyncio.sleep(0.01)
        await a.settle(first, 0.0, 0.0)
        async with asyncio.timeout(30):
            await turns[1]
        assert not turns[0].done()
        await b.settle(urgent, 0.0, 0.0)
        await turns[0]
