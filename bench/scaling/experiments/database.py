"""What servers and workers ask of PostgreSQL: connections, and transactions at rest and a run."""

import asyncio
from contextlib import suppress
from itertools import count

from bench.scaling.client import ask
from bench.scaling.report import Row, none
from bench.scaling.stage import AGENTIC, PLAIN, Cluster, Stage, cluster

_OPEN = "select count(*) from pg_stat_activity where datname = '{}' and pid <> pg_backend_pid()"
_DONE = "select xact_commit + xact_rollback from pg_stat_database where datname = '{}'"
_IDLE_S = 15.0
_COUNTED_S = 2.0
"""After which PostgreSQL has counted what its processes did."""
_LOOK_S = 0.2


async def database(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """One server and one worker, with keys; then a second worker."""
    runs, numbers = (16 if quick else 64), count()
    await stage.models.set("constant:0.2")
    async with cluster(stage, keys=True) as place:
        await place.add_server("--max-runs", "200")
        token = await place.new_key("ada")
        opened = [await _open(place)]
        await place.add_worker()
        opened.append(await _open(place))
        idle = [await _idle(place)]
        failed, costs, most = 0, [], 0
        for model in (PLAIN, AGENTIC):
            stage.say(f"runs of {model}")
            cost, highest, lost = await _busy(place, model, runs, numbers, token)
            costs.append(cost)
            most, failed = max(most, highest), failed + lost
        await place.add_worker()
        idle.append(await _idle(place))
    return [
        Row("connections of a server at rest, and of a worker",
            f"{opened[0]}, {opened[1] - opened[0]}"),
        Row(f"most connections of both, with {runs} runs at once", str(most)),
        Row("transactions a second at rest: server and worker, with a second worker",
            f"{idle[0]:.1f}, {idle[1]:.1f}"),
        Row("transactions a run: plain (5 calls), agentic (20 calls, 15 tool calls)",
            f"{costs[0]:.0f}, {costs[1]:.0f}"),
        none("runs that failed", failed),
    ]  # fmt: skip


async def _open(place: Cluster) -> int:
    await asyncio.sleep(1)
    return int((await place.ask(_OPEN.format(place.database)))[0][0])


async def _done(place: Cluster) -> int:
    await asyncio.sleep(_COUNTED_S)
    return int((await place.ask(_DONE.format(place.database)))[0][0])


async def _idle(place: Cluster) -> float:
    """Transactions a second; our own look is one."""
    place.stage.say("at rest")
    before = await _done(place)
    await asyncio.sleep(_IDLE_S)
    return (await _done(place) - before - 1) / (_IDLE_S + _COUNTED_S)


async def _busy(
    place: Cluster, model: str, runs: int, numbers: "count[int]", token: str
) -> tuple[float, int, int]:
    """Transactions a run, the most connections, and how many runs failed."""
    before, highest, looks = await _done(place), 0, 0

    async def look() -> None:
        nonlocal highest, looks
        while True:
            looks += 1
            found = await place.ask(_OPEN.format(place.database))
            highest = max(highest, int(found[0][0]))
            await asyncio.sleep(_LOOK_S)

    looking = asyncio.create_task(look())
    asking = (ask(place, next(numbers), model=model, token=token) for _ in range(runs))
    answers = await asyncio.gather(*asking)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    made = await _done(place) - before - looks
    return made / runs, highest, sum(1 for one in answers if one.failure)
