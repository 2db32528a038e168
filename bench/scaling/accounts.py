"""Whether anything was lost or paid twice: calls of the models against journals and answers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from bench.scaling.model_server import Call

Place = tuple[int, str, int]
"""A run, a model and its turn: what is asked there once is paid once."""
_CENT_OF_A_CENT = 1e-6


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    run: int
    failure: str = ""
    """Why it got no answer."""
    known_usd: float = 0.0
    """What is known of the bill."""
    unknown_calls: int = 0
    """Calls on the bill whose cost is unknown."""
    began: float = 0.0
    first: float = 0.0
    """When the first event of the run came, of a stream."""
    ended: float = 0.0


@dataclass(frozen=True)
class Accounts:
    """The sum of an experiment."""

    runs: int
    lost: int
    """Runs without an answer."""
    calls: int
    """Replies that were delivered."""
    journaled_twice: int
    """Replies that were in a journal when the same call was made and delivered once more."""
    in_flight_twice: int
    """Replies that were paid again and in no journal yet."""
    cut_off: int
    """Calls that ended before their reply was delivered."""
    wrong_bills: int
    """Answers whose bill differs from what their run has paid, without what was in flight."""
    silent_bills: int
    """Answers with a call in flight that was lost, whose bill states its total as known."""
    paid_usd: float
    billed_usd: float
    in_flight_usd: float
    """Paid for replies that never came into a journal."""
    oldest_in_flight_s: float
    """The longest that one of those was delivered before the process died; 0 without deaths."""


def settle(
    calls: Iterable[Call],
    answers: Iterable[Answer],
    journaled: Mapping[Place, float],
    deaths: Iterable[float] = (),
) -> Accounts:
    """Add up; `journaled` says when a reply was first seen in a journal."""
    calls, answers, deaths = list(calls), list(answers), sorted(deaths)
    paid = [call for call in calls if call.delivered is not None]
    again = [pair for place in _places(paid) for pair in pairwise(place)]
    kept = [one for one, later in again if journaled.get(_place(one), later.asked) < later.asked]
    kept_ids = {call.id for call in kept}
    lost = [first for first, _ in again if first.id not in kept_ids]
    checks = [_check(one, paid, lost, calls) for one in answers if not one.failure]
    return Accounts(
        runs=len(answers),
        lost=sum(1 for one in answers if one.failure),
        calls=len(paid),
        journaled_twice=len(kept),
        in_flight_twice=len(lost),
        cut_off=len(calls) - len(paid),
        wrong_bills=sum(wrong for wrong, _ in checks),
        silent_bills=sum(silent for _, silent in checks),
        paid_usd=sum(call.usd for call in paid),
        billed_usd=sum(one.known_usd for one in answers),
        in_flight_usd=sum(call.usd for call in lost),
        oldest_in_flight_s=max((_age(call, deaths) for call in lost), default=0.0),
    )


def _places(paid: Iterable[Call]) -> list[list[Call]]:
    """The calls of the same run, seat and turn, in the order in which they were made."""
    found: dict[Place, list[Call]] = defaultdict(list)
    for call in sorted(paid, key=lambda call: call.asked):
        found[_place(call)].append(call)
    return list(found.values())


def _place(call: Call) -> Place:
    return call.run, call.model, call.turn


def _check(
    answer: Answer, paid: list[Call], lost: list[Call], calls: list[Call]
) -> tuple[bool, bool]:
    """Whether the bill is wrong, and whether it is silent about a call that was lost."""
    spent = sum(call.usd for call in paid if call.run == answer.run)
    gone = [call for call in lost if call.run == answer.run]
    cut = [call for call in calls if call.run == answer.run and call.delivered is None]
    known = spent - sum(call.usd for call in gone)
    wrong = abs(known - answer.known_usd) > _CENT_OF_A_CENT
    return wrong, answer.unknown_calls < len(gone) or (bool(cut) and not answer.unknown_calls)


def _age(call: Call, deaths: list[float]) -> float:
    assert call.delivered is not None
    return next((death - call.delivered for death in deaths if death >= call.delivered), 0.0)
