"""Retry a call to one model: changed where that helps, else later, while there is time.

A fault that is likely to pass (a rate limit, an outage, no network) is waited for over a fair share
of the time the stage has left, unless the seat has another model to ask. A request on which nothing
came for its whole time limit is never sent again as it was: the same prompt would take as long.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from langchain_core.messages import AIMessage
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from langgraph_fusion.graph.calls.holding_off import HoldingOff
from langgraph_fusion.graph.events import tell
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef

ATTEMPTS = 3
"""Calls to one model before it is given up, outages apart; as openai's own client (2 retries)."""

_BACKOFF = wait_random_exponential(multiplier=0.5, max=20)
"""Seconds to wait where the provider names none: as openai's client, then longer."""
_FAIR_SHARE = 0.1
"""Of the time that the stage has left, for waiting until an outage is over. Ours."""
_WORTH_WAITING_S = 5.0
"""A shorter share is not worth more than the usual attempts. Ours."""
_OUTAGES = frozenset({"rate_limited", "upstream_error", "connection"})

Mend = Callable[[Fault, ModelRef], bool]
"""Change what is sent next so that this fault goes away; False if there is no way to."""


def cannot_mend(fault: Fault, ref: ModelRef) -> bool:
    """Never change the request: the default `mend`."""
    return False


class CallFailed(Exception):
    """A model gave no usable reply."""

    def __init__(self, fault: Fault, ref: ModelRef) -> None:
        super().__init__(fault.reason)
        self.fault = fault
        self.ref = ref


def forget_frames(error: BaseException) -> None:
    """Drop the frames that an error went through, and those of its causes.

    They hold the prompt and the request, and libraries keep the error in them: such a cycle would
    stay in memory until Python looks for cycles.
    """
    chain, seen = [error], set[int]()
    while chain:
        one = chain.pop()
        if id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            chain += [other for other in (one.__cause__, one.__context__) if other is not None]


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
    has_another: bool = False
    """Whether another model can do it: then no outage is waited for."""
    _began: float = field(default_factory=time.monotonic)

    async def reply(self) -> AIMessage:
        """Return the first usable reply.

        Raises:
            CallFailed: The last call's, if its fault does not pass or the next would come too late.
        """
        try:
            return await _RETRYING.copy()(Retrying._mended, self)
        except (CallFailed, asyncio.CancelledError) as error:
            forget_frames(error)
            raise

    async def _mended(self) -> AIMessage:
        """Call, and retry at once as long as `mend` can change the request."""
        while True:
            await self._hold_off()
            try:
                return await self.call()
            except CallFailed as failed:
                if not (self.left_s() > 0 and self.mend(failed.fault, self.ref)):
                    raise

    async def _hold_off(self) -> None:
        """Wait while the provider's rate limit lasts, whichever seat was told of it."""
        while wait_s := self.holding_off.seconds(self.ref):
            own_s = self.holding_off.own_s(self.ref)
            if own_s >= self.left_s():
                raise CallFailed(_left_alone(own_s), self.ref)
            if wait_s >= self.left_s():
                return  # what another model was told may not hold for this one
            self._tell("model.wait", "rate_limited", wait_s)
            await asyncio.sleep(wait_s)

    def wait_s(self, fault: Fault, backoff_s: float) -> float:
        """What the provider asked for, else `backoff_s`.

        Other seats wait as long, also when this one does not retry.
        """
        wait_s = backoff_s if fault.retry_after_s is None else fault.retry_after_s
        self.holding_off.note(self.ref, fault, wait_s)
        return wait_s

    def waits_out(self, fault: Fault, wait_s: float) -> bool:
        """Whether an outage may still be waited for: `wait_s` more seconds."""
        if self.has_another or fault.reason not in _OUTAGES:
            return False
        waited_s = time.monotonic() - self._began
        share_s = _FAIR_SHARE * (self.left_s() + waited_s)
        return share_s >= _WORTH_WAITING_S and waited_s + wait_s <= share_s

    def tell_retry(self, fault: Fault, wait_s: float) -> None:
        """Send the event that the call is retried after `wait_s`."""
        self._tell("model.retry", fault.reason, wait_s)

    def _tell(self, type: str, reason: str, wait_s: float) -> None:
        tell(type, seat=self.seat, model=str(self.ref), reason=reason, wait_s=round(wait_s, 2))


class _Lasting(stop_base):
    """Stop when waiting does not make the fault go away, or takes longer than there is time for."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        mine, fault, wait_s = _mine(retry_state), _fault(retry_state), retry_state.upcoming_sleep
        if wait_s >= mine.left_s() or not fault.retryable or fault.was_silent:
            return True
        return retry_state.attempt_number >= ATTEMPTS and not mine.waits_out(fault, wait_s)


def _wait(state: RetryCallState) -> float:
    return _mine(state).wait_s(_fault(state), _BACKOFF(state))


def _tell_retry(state: RetryCallState) -> None:
    _mine(state).tell_retry(_fault(state), state.upcoming_sleep)


_RETRYING = AsyncRetrying(
    retry=retry_if_exception_type(CallFailed),
    wait=_wait,
    stop=_Lasting(),
    before_sleep=_tell_retry,
    reraise=True,
)
"""Copied for every use, and told whose calls it makes as an argument: holding them, it would be a
cycle, and what a finished run had in its hands would stay until the collector finds it."""


def _mine(state: RetryCallState) -> Retrying:
    mine = state.args[0]
    assert isinstance(mine, Retrying)
    return mine


def _fault(state: RetryCallState) -> Fault:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, CallFailed)  # nothing else is retried
    return error.fault


def _left_alone(own_s: float) -> Fault:
    """The model's own wait outlasts the stage; that says nothing new about its provider."""
    said = f"the provider wants no call for another {own_s:.0f} s"
    return Fault("rate_limited", said, 429, own_s, upstream=True)
