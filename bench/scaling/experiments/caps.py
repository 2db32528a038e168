"""A key's cap under a race: fifty requests at once, spread over two servers."""

import asyncio
import time
from collections import Counter
from itertools import count

from bench.scaling.accounts import Answer
from bench.scaling.client import ask
from bench.scaling.report import Row
from bench.scaling.stage import Cluster, Stage, cluster

_AT_ONCE = 50
_PER_DAY, _PER_RUN = 0.25, 0.05
_CAPS = ("--per-day", f"{_PER_DAY}", "--per-run", f"{_PER_RUN}")
_SERVER = ("--max-runs", "100", "--queue", "100")
_SPENT = """
    select coalesce(sum(usd), 0), count(*) filter (where settled = 0)
    from fusion.charges join fusion.keys on keys.id = charges.key where name = '{}'
"""
_SETTLED_S = 30.0
_RACE_S = 25.0
_AGAIN_S = 0.5


async def caps(stage: Stage, quick: bool, seed: int) -> list[Row]:
    """Each round has a key of its own, and asks until the cap is reached."""
    rounds = 1 if quick else 5
    spent, paid, statuses = list[float](), list[float](), Counter[str]()
    async with cluster(stage, keys=True) as place:
        adding = [place.add_server(*_SERVER) for _ in range(2)]
        await asyncio.gather(*adding, *(place.add_worker() for _ in range(2)))
        for number in range(rounds):
            stage.say(f"key {number + 1} of {rounds}")
            await stage.models.set("lognormal:0.2:0.5", seed + number)
            answers = await _race(place, await place.new_key(f"key{number}", *_CAPS), count())
            statuses.update(one.failure.partition(" ")[0] or "200" for one in answers)
            spent.append(await _spent(place, f"key{number}"))
            calls = await stage.models.calls()
            paid.append(sum(call.usd for call in calls if call.delivered is not None))
    differs = max(abs(a - b) for a, b in zip(spent, paid, strict=True))
    return [
        Row("keys, requests at once on two servers", f"{rounds}, {_AT_ONCE}"),
        Row("requests by status", ", ".join(f"{k}: {n}" for k, n in sorted(statuses.items())),
            "200, 402, 429", set(statuses) <= {"200", "402", "429"}),
        Row(f"spent of ${_PER_DAY:.2f} a day", ", ".join(f"${one:.6f}" for one in spent),
            "never above", max(spent) <= _PER_DAY),
        Row("the ledger differs from what the models charged by", f"${differs:.6f}", "$0",
            differs < 1e-6),
    ]  # fmt: skip


async def _race(place: Cluster, token: str, numbers: "count[int]") -> list[Answer]:
    """Fifty at once; who is refused for the money of runs under way asks again, as clients do."""
    answers: list[Answer] = []

    async def client(server: int) -> None:
        end = time.monotonic() + _RACE_S
        while time.monotonic() < end:
            answers.append(await ask(place, next(numbers), server=server, token=token))
            if answers[-1].failure.startswith("402"):
                return
            await asyncio.sleep(_AGAIN_S)

    await asyncio.gather(*(client(number % 2) for number in range(_AT_ONCE)))
    return answers


async def _spent(place: Cluster, name: str) -> float:
    """What the key was charged, once no run of it is under way."""
    async with asyncio.timeout(_SETTLED_S):
        while True:
            [(spent, open_charges)] = await place.ask(_SPENT.format(name))
            if not open_charges:
                return float(spent)
            await asyncio.sleep(0.1)
