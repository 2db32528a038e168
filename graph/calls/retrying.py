"""Ask one model a few times: changed where that helps, else later, while there is time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from langchain_core.messages import AIMessage
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from langgraph_fusion.graph.calls.holding_off import HoldingOff
from langgraph_fusion.graph.events import tell
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.ref import ModelRef

ATTEMPTS = 3
"""Calls to one model before the seat's next model is tried; as openai's own client (2 retries)."""

_BACKOFF = wait_random_exponential(multiplier=0.5, max=8)
"""Seconds to wait where the provider names none; as openai's client."""

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
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(CallFailed),
            wait=self._wait,
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(self.left_s()) | _StopIfLasting(),
            before_sleep=self._tell_retry,
            reraise=True,
        )
        return await retrying(self._attempt)

    async def _attempt(self) -> AIMessage:
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

    def _wait(self, state: RetryCallState) -> float:
        """What the provider asked for, else at random, longer each time.

        Other seats are kept back as long, also when this one does not try again.
        """
        fault = _fault(state)
        wait_s = _BACKOFF(state) if fault.retry_after_s is None else fault.retry_after_s
        self.holding_off.note(self.ref, fault, wait_s)
        return wait_s

    def _tell_retry(self, state: RetryCallState) -> None:
        self._tell("model.retry", _fault(state).reason, state.upcoming_sleep)

    def _tell(self, type: str, reason: str, wait_s: float) -> None:
        tell(type, seat=self.seat, model=str(self.ref), reason=reason, wait_s=round(wait_s, 2))


class _StopIfLasting(stop_base):
    """Stop when waiting does not make the fault go away."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        return not _fault(retry_state).retryable


def _fault(state: RetryCallState) -> Fault:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, CallFailed)  # nothing else is retried
    return error.fault


def _left_alone(own_s: float) -> Fault:
    """The model's own wait outlasts the stage; that says nothing new about its provider."""
    said = f"the provider wants no call for another {own_s:.0f} s"
    return Fault("rate_limited", said, 429, own_s, upstream=True)
