"""A bad network between one of two workers and the database, for a while."""

import asyncio
import random
from itertools import count

from bench.scaling.accounts import Answer, settle
from bench.scaling.client import ask
from bench.scaling.experiments.kills import DEAD_AFTER_S, PER_WORKER
from bench.scaling.journal import Journals
from bench.scaling.proxy import proxy
from bench.scaling.report import Row, account_rows, spread
from bench.scaling.stage import AGENTIC, Cluster, Host, Stage, cluster

_LATENCY = "lognormal:0.5:0.5"
_AT_ONCE = 6
_STORM_S = 20.0


async def partition(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """Clients ask all the time; after the last storm both workers have to be of use again."""
    storms, draw, numbers = (1 if quick else 4), random.Random(seed), count()
    await stage.models.set(_LATENCY, seed)
    answers: list[Answer] = []
    async with (
        proxy(stage.postgres.port, draw) as network,
        cluster(stage, dead_after_s=DEAD_AFTER_S) as place,
    ):
        await place.start([], PER_WORKER, number=1)
        cut_off = await place.add_worker(*PER_WORKER, port=network.port)
        journals, over = Journals(place), asyncio.Event()

        async def client() -> None:
            while not over.is_set():
                answers.append(await ask(place, next(numbers), model=AGENTIC))

        async with journals.watched():
            clients = [asyncio.create_task(client()) for _ in range(_AT_ONCE)]
            for number in range(storms):
                stage.say(f"storm {number + 1} of {storms}")
                await network.storm(_STORM_S)
                await asyncio.sleep(DEAD_AFTER_S)
            over.set()
            stage.say("fair weather")
            await asyncio.gather(*clients)
            useful = await _useful(place, cut_off, answers, numbers)
        calls = await stage.models.calls()
    return [
        Row(
            "seconds of storm, connections that were cut", f"{storms * _STORM_S:g}, {network.cuts}"
        ),
        *account_rows(settle(calls, answers, journals.seen)),
        Row("time until the answer, all runs", spread([one.ended - one.began for one in answers])),
        Row(
            "the worker that was cut off takes runs again", "yes" if useful else "no", "yes", useful
        ),
    ]


async def _useful(
    place: Cluster, worker: Host, answers: list[Answer], numbers: "count[int]"
) -> bool:
    before = worker.process.said.count("job.started")
    asking = (ask(place, next(numbers), model=AGENTIC) for _ in range(2 * _AT_ONCE))
    answers += await asyncio.gather(*asking)
    return worker.process.said.count("job.started") > before
