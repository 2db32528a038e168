"""Keys in PostgreSQL: made by many at once, by version, and away for a while."""

import asyncio
import json

import pytest

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.database import KeysUnavailable
from langgraph_fusion.server.keys.key import Caps
from langgraph_fusion.server.keys.key_ring import KeyRing
from tests.cli.processes import FUSION, run
from tests.server.shared_database import Shared


async def test_many_that_start_on_an_empty_database_make_its_tables_once(shared: Shared) -> None:
    async def start(number: int) -> None:
        async with KeyRing(shared.url).open() as ring:
            await ring.add(f"key {number}", Caps())

    await asyncio.gather(*map(start, range(12)))
    async with KeyRing(shared.url).open() as ring:
        assert len(await ring.all()) == 12


async def test_tables_of_a_later_version_are_left_alone(shared: Shared) -> None:
    async with KeyRing(shared.url).open():
        pass
    shared.do("update fusion.version set number = 99")
    with pytest.raises(ConfigError, match="a later langgraph-fusion made them"):
        async with KeyRing(shared.url).open():
            pass


async def test_a_user_who_may_make_no_schema_is_told_so(shared: Shared) -> None:
    shared.do("drop role if exists poor")
    shared.do("create role poor login")
    poor = shared.url.replace("fusion@", "poor@")
    with pytest.raises(ConfigError, match="right to create a schema"):
        async with KeyRing(poor).open():
            pass


async def test_while_the_database_is_away_nobody_is_let_in_and_costs_are_written_later(
    shared: Shared,
) -> None:
    async with KeyRing(shared.url).open() as ring:
        token = await ring.add("ada", Caps(total_usd=1.0, per_run_usd=0.5))
        key = await ring.find(token)
        assert key is not None
        charge = await ring.charge(key, None)
        await ring.begin(charge)
        with shared.gone():
            for asked in (ring.find(token), ring.charge(key, None), ring.check()):
                with pytest.raises(KeysUnavailable) as refused:
                    await asked
                assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
            await ring.settle(charge, 0.2, 0.2)  # returns, and is tried again
        async with asyncio.timeout(60):
            while True:
                try:
                    [(_, spent)] = await ring.all()
                except ApiError:
                    continue
                if spent.total_usd == 0.2:
                    break
                await asyncio.sleep(0.05)


async def test_a_server_starts_while_the_database_is_away_and_makes_the_tables_later(
    shared: Shared,
) -> None:
    with shared.gone():
        with pytest.raises(ConfigError, match="does not answer"):
            async with KeyRing(shared.url).open():
                pass
        opening = KeyRing(shared.url).open(patient=True)
        ring = await opening.__aenter__()
    try:
        await ring.check()
        assert await ring.all() == []
    finally:
        await opening.__aexit__(None, None, None)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@127.0.0.1:1/x",
        "postgresql://me:s3cret@[::1/x",
        "postgresql://me:a@s3cret@127.0.0.1:1/x",
        "postgresql://me:a/s3cret@127.0.0.1:1/x",
        "postgresql://me:s3cret@127.0.0.1:port/x",
        "postgresql://me:s3cret@nowhere.invalid/x",
        "postgresql://127.0.0.1:1/x?password=s3cret&user=me",
        "postgresql://me:s3cret@127.0.0.1:1/x?nonsense=1",
    ],
)
async def test_the_password_of_a_url_is_in_no_message(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        async with KeyRing(url).open():
            pass
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert "\n" not in str(raised.value)


def test_the_command_says_in_a_line_that_the_database_does_not_answer() -> None:
    url = "postgresql://me:s3cret@127.0.0.1:1/x"
    for given, env in ((["--keys", url], {}), ([], {"FUSION_KEYS": url})):
        ended = run(*FUSION, "keys", "list", *given, env=env)
        *warning, said = ended.stderr.splitlines()
        assert (ended.returncode, ended.stdout) == (2, "")
        assert said.startswith("fusion: keys: the PostgreSQL server does not answer: ")
        assert "s3cret" not in ended.stderr
        assert [line[:15] for line in warning] == (["fusion: WARNING"] if given else [])


def test_the_command_makes_lists_and_removes_keys_there(shared: Shared) -> None:
    env = {"FUSION_KEYS": shared.url}
    made = run(*FUSION, "keys", "add", "ada", "--per-day", "5", "--at-once", "4", env=env)
    assert made.stdout.startswith("fk-"), made.stderr
    [key] = json.loads(run(*FUSION, "keys", "list", "--json", env=env).stdout)["keys"]
    assert (key["name"], key["per_day_usd"], key["at_once"], key["runs"]) == ("ada", 5.0, 4, 0)
    assert run(*FUSION, "keys", "remove", "ada", env=env).returncode == 0
    assert run(*FUSION, "keys", "remove", "ada", env=env).returncode == 2
