"""What a user asks of a run while it works: answer now, stop a member, look this up, spend more.

    steering = Steering()
    async for event in deliberate(question, settings, steering=steering):
        ...  # meanwhile, in the same event loop: steering.answer_now()

Nothing that was paid for is lost: members write with what they have, and judge and writer follow.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from langgraph_fusion.graph.calls.budget import Budget
from langgraph_fusion.graph.calls.deadline import Schedule
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.records import AskedFollowUp

ANSWER_S = 60.0
"""Seconds that a member has to write once it is told to answer now. Ours."""
_MOST_QUESTIONS = 8


class Steering:
    """The controls of one run. For the event loop of the run only, hence without locks."""

    def __init__(self) -> None:
        self.answering_now = False
        self._at_work: dict[str, tuple[Schedule, asyncio.Timeout]] = {}
        self._stopped: set[str] = set()
        self._questions: list[tuple[str, tuple[str, ...]]] = []
        self._asked = 0
        self._letters: str | None = None
        self._judged = True
        self._budget: Budget | None = None
        self.too_late = ""
        """Why the panel can be asked for nothing any more; empty while it can."""

    def answer_now(self) -> None:
        """Have all members write with what they have; no further round is asked.

        Raises:
            ConfigError: If the answer is being written already.
        """
        self._need_time()
        self.answering_now = True
        for schedule, limit in self._at_work.values():
            _write_now(schedule, limit, ANSWER_S, "answer_now")

    def stop_member(self, seat: str) -> None:
        """End one member's work at once; what it has found so far goes to the judge.

        Raises:
            ConfigError: If there is no such seat, or the panel has finished.
        """
        self._need_time()
        self._need_seats([seat])
        self._stopped.add(seat)
        if seat in self._at_work:
            _write_now(*self._at_work[seat], 0.0, "stopped")

    def follow_up(self, question: str, seats: Sequence[str] = ()) -> None:
        """Ask the panel one more round about this, whatever the judge wants to know.

        `seats` are the members to ask, by default all that have answered.

        Raises:
            ConfigError: If it is empty, a seat is not there, nobody judges, or it is too late.
        """
        self._need_time()
        self._need_seats(seats)
        if not question.strip():
            raise ConfigError("the question is empty", field="question")
        if not self._judged:
            raise ConfigError("this run has no judge, and so no follow-up rounds")
        if self.answering_now:
            raise ConfigError("the members write their answers now: there is no further round")
        if len(self._questions) >= _MOST_QUESTIONS:
            raise ConfigError(f"at most {_MOST_QUESTIONS} questions can wait for a round")
        self._questions.append((question.strip(), tuple(seats)))

    def raise_budget(self, usd: float) -> None:
        """Let the run spend up to so many US dollars in all.

        Raises:
            ConfigError: If it has no spend cap, or this one is not higher.
        """
        if self._budget is None or self._budget.cap_usd is None:
            raise ConfigError("this run has no spend cap that could be raised", field="budget_usd")
        if not usd > self._budget.cap_usd:
            raise ConfigError(
                f"the spend cap is ${self._budget.cap_usd:g} already", field="budget_usd"
            )
        self._budget.raise_cap(usd)

    def open(self, letters: str, budget: Budget, *, judged: bool) -> None:
        """Take control of a run that starts, with these seats."""
        self._letters, self._budget, self._judged = letters, budget, judged
        self.too_late = ""

    def close(self, why: str) -> None:
        """Refuse what concerns the panel from now on, and say why."""
        self.too_late = why

    @property
    def budget_usd(self) -> float | None:
        """The spend cap of the run; None if it has none, or has not begun."""
        return self._budget.cap_usd if self._budget else None

    @property
    def settled_usd(self) -> float | None:
        """What the calls of a run that was stopped have cost at most, also those cut off.

        None if it has no spend cap, or a call may still be under way; 0 before it has begun.
        """
        return self._budget.settled_usd if self._budget else 0.0

    @property
    def unasked(self) -> list[str]:
        """Questions for which there was no further round."""
        return [question for question, _ in self._questions]

    @contextmanager
    def working(self, seat: str, schedule: Schedule, limit: asyncio.Timeout) -> Iterator[None]:
        """A member at work: it is told to write, or stopped, when the user says so."""
        self._at_work[seat] = schedule, limit
        if seat in self._stopped:
            _write_now(schedule, limit, 0.0, "stopped")
        elif self.answering_now:
            _write_now(schedule, limit, ANSWER_S, "answer_now")
        try:
            yield
        finally:
            del self._at_work[seat]

    def take_questions(self, round: int, answered: Sequence[str]) -> list[AskedFollowUp]:
        """The user's questions as follow-ups of this round, to members that can answer."""
        taken, self._questions = self._questions, []
        free = [seat for seat in answered if seat not in self._stopped] or list(answered)
        found = []
        for question, seats in taken:
            self._asked += 1
            whom = tuple(seat for seat in seats if seat in free) or tuple(free)
            found.append(
                AskedFollowUp(
                    id=f"U{self._asked}",
                    round=round,
                    question=question,
                    kind="user",
                    about="",
                    seats=whom,
                )
            )
        return found

    def _need_time(self) -> None:
        if self.too_late:
            raise ConfigError(self.too_late)

    def _need_seats(self, seats: Sequence[str]) -> None:
        if self._letters is None:
            return
        for seat in seats:
            if len(seat) != 1 or seat not in self._letters:
                raise ConfigError(
                    f"there is no seat {seat!r}; the seats are {', '.join(self._letters)}",
                    field="seat",
                )


def _write_now(schedule: Schedule, limit: asyncio.Timeout, grace_s: float, why: str) -> None:
    schedule.wrap_up(grace_s, why)
    if not limit.expired():
        end = asyncio.get_running_loop().time() + grace_s
        limit.reschedule(min(end, limit.when() or end))
