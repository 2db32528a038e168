"""Ask one model a few times: changed where that helps, else later, while there is time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from langchain_core.messages import AIMessage

from langgraph_fusion.graph.calls.holding_off import HoldingOff
from langgraph_fusion.graph.events import tell
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.ref import ModelRef

ATTEMPTS = 3
"""Calls to one model before the seat's next model is tried; as openai's own client (2 retries)."""

_FIRST_WAIT_S = 0.5
"""At most, where the provider names none; the next is at most twice as long. As openai's client."""

Mend = Callable[[Fault, ModelRef], bool]
"""Change what is sent next so that this fault goes away; False if there is no way to."""


def unmended(fault: Fault, ref: ModelRef) -> bool:
    """Nothing can be changed about what is sent."""
    return False


class CallFailed(Exception):
    """A model gave no usable reply."""

    def __init__(self, fault: Fault, ref: ModelRef) -> None:
        super().__init__(fault.reason)
        self.fault = fault
        self.ref = ref


@dataclass(frozen=True)
class Retrying:
    """The calls of one seat to one model until one is answered."""

    seat: str
    ref: ModelRef
    call: Callable[[], Awaitable[AIMessage]]
    """One call; raises CallFailed."""
    mend: Mend
    holding_off: HoldingOff
    left_s: Callable[[], float]
    """Seconds the stage still has."""

    async def reply(self) -> AIMessage:
        """Return the first usable reply.

        Raises:
            CallFailed: The last call's, if its fault does not pass or the next would come too late.
        """
        attempt = 1
        while True:
            try:
                return await self._mended()
            except CallFailed as failed:
                wait_s = self._wait_s(failed.fault, attempt)
                if not self._again(failed.fault, attempt, wait_s):
                    raise
                self._tell("model.retry", failed.fault.reason, wait_s)
            await asyncio.sleep(wait_s)
            attempt += 1

    def _again(self, fault: Fault, attempt: int, wait_s: float) -> bool:
        return fault.retryable and attempt < ATTEMPTS and wait_s < self.left_s()

    async def _mended(self) -> AIMessage:
        """Call, and again at once as long as the fault can be mended."""
        while True:
            await self._hold_off()
            try:
                return await self.call()
            except CallFailed as failed:
                if not (self.left_s() > 0 and self.mend(failed.fault, self.ref)):
                    raise

    async def _hold_off(self) -> None:
        """Wait while the provider wants to be left alone, whichever seat it told so."""
        while wait_s := self.holding_off.seconds(self.ref):
            own_s = self.holding_off.own_s(self.ref)
            if own_s >= self.left_s():
                raise CallFailed(_left_alone(own_s), self.ref)
            if wait_s >= self.left_s():
                return  # what another model was told may not hold for this one
            self._tell("model.wait", "rate_limited", wait_s)
            await asyncio.sleep(wait_s)

    def _wait_s(self, fault: Fault, attempt: int) -> float:
        """What the provider asked for, else at random, longer each time.

        Other seats are kept back as long, also when this one does not try again.
        """
        wait_s = fault.retry_after_s
        if wait_s is None:
            wait_s = random.uniform(0, _FIRST_WAIT_S * 2 ** (attempt - 1))
        self.holding_off.note(self.ref, fault, wait_s)
        return wait_s

    def _tell(self, type: str, reason: str, wait_s: float) -> None:
        tell(type, seat=self.seat, model=str(self.ref), reason=reason, wait_s=round(wait_s, 2))


def _left_alone(own_s: float) -> Fault:
    """The model's own wait outlasts the stage; that says nothing new about its provider."""
    said = f"the provider wants no call for another {own_s:.0f} s"
    return Fault("rate_limited", said, 429, own_s, upstream=True)
