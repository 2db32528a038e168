"""Keys of clients: hashed, capped, and gone when they are removed."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import openai
import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import A, B, C, cast
from tests.scripted import hang, text
from tests.server.asking import asking, until
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Served, Serving


@pytest.fixture
def ring(tmp_path: Path) -> BlockingKeys:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    return ring


def test_a_key_is_found_by_its_token_and_not_kept_in_the_file(
    ring: BlockingKeys, tmp_path: Path
) -> None:
    token = ring.add("ada", Caps())
    found = ring.find(token)
    assert found is not None
    assert found.name == "ada"
    assert token.split("-", 2)[2].encode() not in (tmp_path / "keys.db").read_bytes()
    assert (tmp_path / "keys.db").stat().st_mode & 0o077 == 0
    for wrong in ("", "fk-", token[:-1], token + "x", "fk-00000000-" + token.split("-", 2)[2]):
        assert ring.find(wrong) is None


def test_a_name_is_taken_once_and_free_again_after_removal(ring: BlockingKeys) -> None:
    token = ring.add("ada", Caps())
    with pytest.raises(ConfigError, match="already"):
        ring.add("ada", Caps())
    ring.remove("ada")
    assert ring.find(token) is None
    with pytest.raises(ConfigError, match="no key named"):
        ring.remove("ada")


def test_a_run_is_charged_with_the_most_it_may_cost_until_it_is_settled(ring: BlockingKeys) -> None:
    key = ring.find(ring.add("ada", Caps(per_day_usd=1.0, per_run_usd=0.6)))
    assert key is not None
    first = ring.charge(key, None)
    assert first.budget_usd == 0.6
    second = ring.charge(key, None)
    assert second.budget_usd == pytest.approx(0.4)
    with pytest.raises(ApiError) as busy:
        ring.charge(key, None)
    assert (busy.value.status, busy.value.headers) == (429, {"Retry-After": "10"})
    ring.settle(first, 0.1, 0.1)
    ring.settle(second, None, 0.0)
    assert ring.charge(key, 0.2).budget_usd == 0.2
    assert ring.all()[0][1].today_usd == pytest.approx(0.1 + 0.4 + 0.2)


def test_a_cap_that_is_used_up_is_402_and_survives_a_restart(
    ring: BlockingKeys, tmp_path: Path
) -> None:
    key = ring.find(ring.add("ada", Caps(total_usd=0.5, per_run_usd=0.5)))
    assert key is not None
    ring.settle(ring.charge(key, None), 0.5, 0.5)
    with pytest.raises(ApiError) as spent:
        BlockingKeys(tmp_path / "keys.db").charge(key, None)
    assert spent.value.status == 402


def test_a_run_without_a_cap_of_its_own_gets_a_tenth_of_the_caps(ring: BlockingKeys) -> None:
    key = ring.find(ring.add("ada", Caps(per_day_usd=5, total_usd=20)))
    assert key is not None
    assert ring.charge(key, None).budget_usd == 0.5
    assert ring.charge(key, 0.1).budget_usd == 0.1


async def _with_key(serving: Serving, tmp_path: Path, caps: Caps, script: Any) -> Served:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    served = await serving(script, keys=tmp_path / "keys.db")
    served.client = served.client.with_options(api_key=ring.add("ada", caps))
    return served


async def test_a_client_without_a_known_key_is_refused(serving: Serving, tmp_path: Path) -> None:
    served = await _with_key(serving, tmp_path, Caps(), cast())
    stranger = served.client.with_options(api_key="fk-1234-wrong")
    with pytest.raises(openai.AuthenticationError) as raised:
        await stranger.chat.completions.create(**asking())
    assert raised.value.code == "invalid_api_key"
    assert not served.models.requests
    reply = await served.client.chat.completions.create(**asking())
    assert reply.choices[0].message.content == "Done."


async def test_a_run_is_settled_with_what_the_models_billed(
    serving: Serving, tmp_path: Path
) -> None:
    served = await _with_key(serving, tmp_path, Caps(), cast())
    await served.client.chat.completions.create(**asking())
    async for _ in await served.client.chat.completions.create(**asking(), stream=True):
        pass
    await asyncio.sleep(0.1)
    spent = BlockingKeys(tmp_path / "keys.db").all()[0][1]
    assert spent.runs == 2
    assert spent.total_usd == pytest.approx(served.models.usage().cost)


async def test_a_rate_is_kept_and_says_when_to_come_back(serving: Serving, tmp_path: Path) -> None:
    served = await _with_key(serving, tmp_path, Caps(per_minute=1), cast())
    await served.client.chat.completions.create(**asking())
    with pytest.raises(openai.RateLimitError) as raised:
        await served.client.chat.completions.create(**asking())
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60


async def test_an_abandoned_run_is_charged_the_most_that_its_cut_off_calls_can_cost(
    serving: Serving, tmp_path: Path, prices: Path
) -> None:
    caps = Caps(per_day_usd=100.0, per_run_usd=50.0)
    script = cast({one: hang() for one in (A, B, C)})
    served = await _with_key(serving, tmp_path, caps, script)
    asked = asyncio.create_task(served.client.chat.completions.create(**asking()))
    await until(lambda: served.models.in_flight == 3)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await until(lambda: not served.state.manager.shutdown.runs)
    await asyncio.sleep(0.1)
    spent = BlockingKeys(tmp_path / "keys.db").all()[0][1].today_usd
    outputs_usd = 3 * 16_384 * 2.0 / 1e6  # three members' longest replies, at $2 a million tokens
    assert outputs_usd < spent < 1.02 * outputs_usd, "and the few tokens that they were sent"


def _rows(tmp_path: Path) -> int:
    with closing(sqlite3.connect(tmp_path / "keys.db")) as db:
        return int(db.execute("select count(*) from charges").fetchone()[0])


def _age(tmp_path: Path, seconds: float) -> None:
    """Let what is charged be that much older."""
    with closing(sqlite3.connect(tmp_path / "keys.db")) as db, db:
        db.execute("update charges set at = at - ?", (seconds,))


def test_charges_of_a_key_stay_few_and_their_sums_the_same(
    ring: BlockingKeys, tmp_path: Path
) -> None:
    key = ring.find(ring.add("ada", Caps()))
    other = ring.find(ring.add("eve", Caps(per_day_usd=1.0)))
    assert key is not None
    assert other is not None
    under_way = ring.charge(other, 0.5)
    for number in range(150):
        ring.settle(ring.charge(key, None), 0.01, 0.01)
        if number % 3:
            ring.refund(ring.charge(key, None))
    for older_s in (61, 86_400 * 2, 61):
        before = {one.name: spent for one, spent in ring.all()}
        _age(tmp_path, older_s)
        total, today = ring.all()[0][1].total_usd, ring.all()[0][1].today_usd
        ring.settle(ring.charge(key, None), 0.0, 0.0)
        spent = ring.all()[0][1]
        assert (spent.total_usd, spent.today_usd) == pytest.approx((total, today))
        assert spent.runs == before["ada"].runs + 1
        assert _rows(tmp_path) <= 110
    assert ring.all()[0][1].total_usd == pytest.approx(1.5)
    ring.settle(under_way, 0.2, 0.2)
    assert ring.all()[1][1].total_usd == pytest.approx(0.2)


def test_refused_requests_still_count_for_the_rate(ring: BlockingKeys) -> None:
    key = ring.find(ring.add("ada", Caps(per_minute=2)))
    assert key is not None
    for _ in range(2):
        ring.refund(ring.charge(key, None))
    with pytest.raises(ApiError):
        ring.charge(key, None)
    assert ring.all()[0][1].runs == 0


def test_a_file_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(
            "create table keys (id text primary key, name text not null unique, sha256 text not "
            "null, created real not null, per_day_usd real, total_usd real, per_run_usd real, "
            "per_minute integer); create table charges (id integer primary key, key text not null, "
            "at real not null, usd real not null, settled integer not null default 0);"
            "insert into keys values ('a', 'ada', 'x', 1.0, null, null, null, null);"
            "insert into charges values (1, 'a', 1.0, 0.25, 1);"
        )
    ring = BlockingKeys(path)
    [(key, spent)] = ring.all()
    assert (key.for_metrics, spent.runs, spent.total_usd) == (False, 1, 0.25)
    ring.settle(ring.charge(key, None), 0.5, 0.5)
    assert ring.all()[0][1].runs == 2


async def test_a_refused_request_leaves_nothing_charged(
    serving: Serving, tmp_path: Path, prices: Path
) -> None:
    served = await _with_key(serving, tmp_path, Caps(per_day_usd=1.0), cast())
    for _ in range(3):
        with pytest.raises(openai.APIStatusError):
            await served.client.chat.completions.create(**asking(panel=["no/price"]))
    spent = BlockingKeys(tmp_path / "keys.db").all()[0][1]
    assert (spent.runs, spent.total_usd) == (0, 0.0)
    assert not served.models.requests


async def test_a_run_with_a_hedge_is_charged_with_its_calls_and_not_in_full(
    serving: Serving, tmp_path: Path, prices: Path
) -> None:
    with prices.open("a") as file:
        file.write('"m/spare" = { input = 1.0, output = 2.0 }\n')
    script = cast({A: hang(), "m/spare": text("Spare says 42.")})
    served = await _with_key(serving, tmp_path, Caps(per_day_usd=9.0, per_run_usd=0.9), script)
    seat = {"model": A, "fallbacks": ["m/spare"], "hedge_s": 0.2}
    reply = await served.client.chat.completions.create(**asking(panel=[seat, B, C]))
    assert reply.choices[0].message.content == "Done."
    await until(lambda: not served.state.manager.shutdown.runs)
    await asyncio.sleep(0.1)
    spent = BlockingKeys(tmp_path / "keys.db").all()[0][1].total_usd
    paid = served.models.usage().cost
    assert paid < spent < paid + 0.04  # the worst case of the call that was cancelled


async def test_a_key_is_as_urgent_as_its_operator_allows(
    ring: BlockingKeys, serving: Serving, tmp_path: Path
) -> None:
    tokens = [ring.add("ada", Caps()), ring.add("eve", Caps(priority=3))]
    served = await serving(cast(), keys=tmp_path / "keys.db")
    for token, priority in ((tokens[0], 0), (tokens[1], 3)):
        client = served.client.with_options(api_key=token)
        await client.chat.completions.create(**asking(priority=priority))
    wrong: list[Any] = [4, 10, -1, True, "3"]
    for token, asked in ((tokens[0], 1), *((tokens[1], one) for one in wrong)):
        client = served.client.with_options(api_key=token)
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(**asking(priority=asked))
        assert refused.value.param == "fusion.priority"
