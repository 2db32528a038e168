"""The keys of a server, changed and read from outside of it while a test waits."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from langgraph_fusion.server.keys.key import Caps, Charge, Key, Spent
from langgraph_fusion.server.keys.key_ring import KeyRing

T = TypeVar("T")


class BlockingKeys:
    """Opens the keys for each call, in an event loop of its own, as `fusion keys` does."""

    def __init__(self, place: str | os.PathLike[str]) -> None:
        self._place = place

    def create(self) -> None:
        self._do(lambda ring: ring.check())

    def add(self, name: str, caps: Caps, *, for_metrics: bool = False) -> str:
        return self._do(lambda ring: ring.add(name, caps, for_metrics=for_metrics))

    def remove(self, name: str) -> None:
        self._do(lambda ring: ring.remove(name))

    def all(self) -> list[tuple[Key, Spent]]:
        return self._do(lambda ring: ring.all())

    def find(self, token: str) -> Key | None:
        return self._do(lambda ring: ring.find(token))

    def charge(self, key: Key, wanted_usd: float | None) -> Charge:
        return self._do(lambda ring: ring.charge(key, wanted_usd))

    def settle(self, charge: Charge, cost_usd: float | None, known_usd: float) -> None:
        self._do(lambda ring: ring.settle(charge, cost_usd, known_usd))

    def refund(self, charge: Charge) -> None:
        self._do(lambda ring: ring.refund(charge))

    def _do(self, work: Callable[[KeyRing], Awaitable[T]]) -> T:
        async def opened() -> T:
            async with KeyRing(self._place).open() as ring:
                return await work(ring)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(opened())).result()
