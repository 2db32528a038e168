"""A worker that is stopped for longer than others wait for it, and then wakes."""

import asyncio
import signal
import time
from typing import Any

from bench.scaling.accounts import settle
from bench.scaling.client import ask
from bench.scaling.experiments.kills import DEAD_AFTER_S, PER_WORKER
from bench.scaling.journal import Journals
from bench.scaling.report import Row, account_rows, none
from bench.scaling.stage import AGENTIC, Cluster, Host, Stage, cluster

_LATENCY = "lognormal:0.5:0.5"
_ASLEEP_S = 3 * DEAD_AFTER_S
_AWAKE_S = 2 * DEAD_AFTER_S
_RUNS = """
    select prefix, key, md5(value::text) from store
    where prefix like 'langgraph_fusion.%' and prefix <> 'langgraph_fusion.workers'
    order by 1, 2
"""


async def zombie(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """SIGSTOP in the middle, SIGCONT when all is done, and then death with new runs."""
    rounds = 1 if quick else 3
    await stage.models.set(_LATENCY, seed)
    answers, paid_after, written_after, held, heard = [], 0, 0, 0, 0
    async with cluster(stage, dead_after_s=DEAD_AFTER_S) as place:
        await place.start([], PER_WORKER)
        journals = Journals(place)
        async with journals.watched():
            for number in range(rounds):
                stage.say(f"zombie {number + 1} of {rounds}")
                first = 12 * number
                asking = [_asked(place, first + n) for n in range(6)]
                await asyncio.sleep(2)
                sleeper = place.workers[0]
                sleeper.process.send(signal.SIGSTOP)
                held += len(await place.held_by(sleeper))
                stage.say("asleep")
                slept = time.monotonic()
                answers += await asyncio.gather(*asking)
                await asyncio.sleep(max(0.0, slept + _ASLEEP_S - time.monotonic()))
                paid, written = await _wake(place, sleeper)
                paid_after, written_after = paid_after + paid, written_after + written
                stage.say("awake; new runs, and its death")
                asking = [_asked(place, first + 6 + n) for n in range(6)]
                await asyncio.sleep(2)
                await place.kill(sleeper)
                heard += len(await place.held_by(sleeper))
                await place.add_worker(*PER_WORKER)
                answers += await asyncio.gather(*asking)
        calls = await stage.models.calls()
    return [
        Row("runs that the sleeper had", str(held)),
        none("calls made after it woke", paid_after),
        none("records and journals written after it woke", written_after),
        Row("new runs that it had when it was killed once awake", str(heard)),
        *account_rows(settle(calls, answers, journals.seen)),
    ]


def _asked(place: Cluster, run: int) -> Any:
    return asyncio.create_task(ask(place, run, model=AGENTIC, stream=run % 2 == 0))


async def _wake(place: Cluster, sleeper: Host) -> tuple[int, int]:
    """Calls made, and items of the store changed, once it is awake."""
    calls, stored = len(await place.stage.models.calls()), await place.ask(_RUNS)
    sleeper.process.send(signal.SIGCONT)
    await asyncio.sleep(_AWAKE_S)
    changed = set(await place.ask(_RUNS)) ^ set(stored)
    return len(await place.stage.models.calls()) - calls, len(changed)
