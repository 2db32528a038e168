"""`kill -9` of a worker in the middle of its runs, again and again, each at a random moment."""

import asyncio
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass

from bench.scaling.accounts import Answer, settle
from bench.scaling.client import ask
from bench.scaling.journal import Journals
from bench.scaling.model_server import Call
from bench.scaling.report import Row, account_rows, spread
from bench.scaling.stage import AGENTIC, Cluster, Host, Stage, cluster

DEAD_AFTER_S = 5.0
PER_WORKER = ("--per-worker", "3")
"""So few that neither worker takes all the runs."""


@dataclass(frozen=True)
class Size:
    kills: int = 20
    runs: int = 6
    """Asked at once, before each kill."""
    latency: str = "lognormal:0.5:0.5"
    within_s: float = 5.0
    """After the questions, during which the moment is drawn: about the length of a run."""


async def kills(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """20 kills of one of two workers; a new one takes its place at once."""
    return await measure(stage, Size(kills=4) if quick else Size(), seed)


async def measure(stage: Stage, size: Size, seed: int) -> list[Row]:
    """As many kills as `size` says."""
    draw = random.Random(seed)
    await stage.models.set(size.latency, seed)
    async with cluster(stage, dead_after_s=DEAD_AFTER_S) as place:
        await place.start([], PER_WORKER)
        journals = Journals(place)
        answers: list[Answer] = []
        deaths: list[_Death] = []
        async with journals.watched():
            for number in range(size.kills):
                stage.say(f"kill {number + 1} of {size.kills}")
                answers += await _round(place, journals, draw, size, len(answers), deaths)
        calls = await stage.models.calls()
    return _rows(calls, answers, deaths, journals)


@dataclass(frozen=True)
class _Death:
    at: float
    runs: frozenset[str]
    """Ids of those that the worker had."""


async def _round(
    place: Cluster,
    journals: Journals,
    draw: random.Random,
    size: Size,
    begun: int,
    deaths: list[_Death],
) -> list[Answer]:
    asking = [
        asyncio.create_task(ask(place, begun + n, model=AGENTIC, stream=n % 2 == 0))
        for n in range(size.runs)
    ]
    await asyncio.sleep(draw.uniform(0, size.within_s))
    victim = draw.choice(place.workers)
    deaths.append(await _kill(place, journals, victim))
    await place.add_worker(*PER_WORKER)
    return await asyncio.gather(*asking)


async def _kill(place: Cluster, journals: Journals, victim: Host) -> _Death:
    await place.kill(victim)
    at = time.monotonic()
    await journals.look()
    return _Death(at, frozenset(await place.held_by(victim)))


def _rows(
    calls: list[Call], answers: list[Answer], deaths: list[_Death], journals: Journals
) -> list[Row]:
    found = settle(calls, answers, journals.seen, [death.at for death in deaths])
    asked_again = list(_recoveries(calls, deaths, journals.runs))
    late = [one.ended - one.began for one in answers]
    return [
        Row("kills, and runs that the killed workers had",
            f"{len(deaths)}, {sum(len(death.runs) for death in deaths)}"),
        *account_rows(found),
        Row("the oldest reply that was in no journal at the kill",
            f"{1000 * found.oldest_in_flight_s:.0f} ms"),
        Row(f"time until the models are asked again, --dead-after {DEAD_AFTER_S:g}",
            spread(asked_again)),
        Row("time until the answer, all runs", spread(late)),
    ]  # fmt: skip


def _recoveries(
    calls: Iterable[Call], deaths: Iterable[_Death], numbers: dict[str, int]
) -> Iterable[float]:
    """Seconds from each death to the next call of each run that the worker had."""
    by_asked = sorted(calls, key=lambda call: call.asked)
    for death in deaths:
        for run in sorted(death.runs):
            mine = (one.asked for one in by_asked if one.run == numbers.get(run))
            again = next((asked for asked in mine if asked > death.at), None)
            if again is not None:
                yield again - death.at
