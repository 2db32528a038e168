"""Servers and workers that all begin at once on an empty database."""

import asyncio
import time

from bench.scaling.client import ask
from bench.scaling.report import Row, all_of, none, spread
from bench.scaling.stage import Host, Stage, cluster


async def cold_start(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """Each round has a database of its own: keys, runs and queue have to be made."""
    rounds, each = (1, 2) if quick else (5, 4)
    up, failures, seconds, answered = 0, list[str](), list[float](), 0
    await stage.models.set("constant:0.1")
    for number in range(rounds):
        stage.say(f"database {number + 1} of {rounds}")
        async with cluster(stage, keys=True) as place:
            began = time.monotonic()
            starting = [start() for start in (place.add_server, place.add_worker) * each]
            ready = await asyncio.gather(*starting, return_exceptions=True)
            seconds.append(time.monotonic() - began)
            up += sum(1 for one in ready if isinstance(one, Host))
            failures += [str(one) for one in ready if not isinstance(one, Host)]
            token = await place.new_key("ada")
            asked = [ask(place, n, server=n, token=token) for n in range(len(place.servers))]
            answered += sum(1 for one in await asyncio.gather(*asked) if not one.failure)
    return [
        all_of(f"of {rounds} x {2 * each} processes at once, up", up, rounds * 2 * each),
        all_of("servers that then answered a run", answered, rounds * each),
        none("processes that ended instead", len(failures), "; ".join(failures)[:200]),
        Row("time until all were up", spread(seconds)),
    ]
