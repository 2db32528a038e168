"""Ask a judge's model for verdicts: from the store what is there, from the model what is not.

A verdict is kept under the hash of the answer, the task and the criterion, the protocol, the
judge's model and the number of the pass. One that is lost (no reply, or none that can be read after
some attempts) is not kept, so that the next run asks again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from langgraph_fusion.evals.budget import EvalBudget
from langgraph_fusion.evals.protocols.protocol import JudgePrompt, Protocol
from langgraph_fusion.evals.records import Criterion, Task, Verdict
from langgraph_fusion.evals.store import EvalStore, key_of
from langgraph_fusion.evals.verdict_text import ReadVerdict, read_verdict, read_verdicts
from langgraph_fusion.graph.calls.holding_off import HoldingOff
from langgraph_fusion.graph.calls.limits import Limits
from langgraph_fusion.graph.calls.seat_bill import SeatBill
from langgraph_fusion.graph.calls.seat_client import LiveSeatClient, SeatFailed
from langgraph_fusion.graph.records import sum_costs
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.prices import PriceTable
from langgraph_fusion.models.providers import ModelRef, providers

CALL_S = 900.0
"""Seconds for the verdicts of one call, with all attempts; a tenth of it waits for outages."""


@dataclass(frozen=True)
class Judged:
    """All verdicts on one answer, and what they cost when they were bought."""

    verdicts: tuple[Verdict, ...]
    usd: float | None


@dataclass
class Judge:
    """A protocol with a judge's model. For one event loop."""

    protocol: Protocol
    model: str
    store: EvalStore
    budget: EvalBudget
    prices: PriceTable
    at_once: asyncio.Semaphore
    on_verdicts: Callable[[int, bool], None] = lambda number, bought: None
    """Called with so many verdicts, and whether they were bought now."""
    on_paid: Callable[[float | None], None] = lambda usd: None
    """Called with the cost of every call."""
    timeout_s: float = 180.0
    spent: list[float | None] = field(default_factory=list)
    """Of the calls that were made now, in US dollars."""
    _holding_off: HoldingOff = field(default_factory=HoldingOff)
    _plain: bool = False
    """The provider refused the response format: it is asked for in words alone."""

    async def grade(self, task: Task, text: str) -> Judged:
        """Every verdict of every pass on an answer's text."""
        units = list(self.protocol.units(task))
        parts = await asyncio.gather(
            *(
                self._unit(task, text, unit, judge_pass)
                for judge_pass in range(self.protocol.passes)
                for unit in units
            )
        )
        verdicts = tuple(one for part, _ in parts for one in part)
        return Judged(verdicts, sum_costs(usd for _, usd in parts).total_usd)

    async def _unit(
        self, task: Task, text: str, unit: Sequence[Criterion], judge_pass: int
    ) -> tuple[list[Verdict], float | None]:
        """The verdicts of one call, and what it cost."""
        keys = {one.id: self._key(task, text, one, unit, judge_pass) for one in unit}
        found = {id: self.store.get("verdict", key) for id, key in keys.items()}
        kept = {id: entry for id, entry in found.items() if entry is not None}
        if missing := [id for id in keys if id not in kept]:
            async with self.at_once:
                read, usd, error = await self._ask(task, text, unit)
            new = {id: _entry(read[id], usd, len(unit)) for id in missing if id in read}
            self.store.put_all("verdict", ((keys[id], entry) for id, entry in new.items()))
            kept |= new
            self.on_verdicts(len(new), True)
        else:
            error = None
        self.on_verdicts(len(unit) - len(missing), False)
        verdicts = [_verdict(one.id, judge_pass, kept.get(one.id), error) for one in unit]
        return verdicts, sum_costs(entry["usd"] for entry in kept.values()).total_usd

    def _key(
        self, task: Task, text: str, one: Criterion, unit: Sequence[Criterion], judge_pass: int
    ) -> str:
        """Of all that the judge sees, the criteria beside this one in its call among it."""
        about = (task.id, task.question, one.id, one.requirement, one.weight > 0)
        beside = [other.requirement for other in unit] + list(task.exclude) if len(unit) > 1 else []
        return key_of(text, about, beside, self.protocol.sha256, self.model, judge_pass)

    async def _ask(
        self, task: Task, text: str, unit: Sequence[Criterion]
    ) -> tuple[dict[str, ReadVerdict], float | None, str | None]:
        """What can be read of the replies, their cost, and why the rest is lost."""
        seat = self._seat()
        limits = Limits(CALL_S, self.budget.cap_usd, self.budget.unknown, self.budget)
        bill = SeatBill(seat, "judge", "synthesizer", 0, limits=limits, prices=self.prices)
        client = LiveSeatClient(seat, bill, self._holding_off)
        prompt = self.protocol.make_prompt(task, text, unit)
        read: dict[str, ReadVerdict] = {}
        error = None
        for _ in range(self.protocol.attempts):
            try:
                reply = await self._reply(client, prompt)
            except SeatFailed as failed:
                error = f"{failed.fault.reason}: {failed.fault.detail}"
                break
            read |= self._read(reply.text, unit)
            if len(read) == len(unit):
                break
            error = "no verdict could be read"
        costs = [call.cost_usd for call in bill.calls]
        self.spent += costs
        for usd in costs:
            self.on_paid(usd)
        return read, sum_costs(costs).total_usd, error

    def _seat(self) -> ModelSeat:
        return ModelSeat(
            model=self.model,
            temperature=self.protocol.temperature,
            reasoning_effort=self.protocol.reasoning_effort if self._takes_effort else None,
            max_tokens=self.protocol.max_tokens,
            timeout_s=self.timeout_s,
        )

    @property
    def _takes_effort(self) -> bool:
        """A server of one's own has no such field."""
        return providers()[ModelRef.parse(self.model).provider].effort is not None

    async def _reply(self, client: LiveSeatClient, prompt: JudgePrompt) -> AIMessage:
        messages = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        sent: dict[str, Any] = {}

        async def send(model: BaseChatModel) -> AIMessage:
            sent.update(format=self._format())
            reply = await model.ainvoke(messages, **sent["format"])
            assert isinstance(reply, AIMessage)
            return reply

        def without_format(fault: Fault, ref: ModelRef) -> bool:
            refused = bool(sent.get("format")) and fault.status_code in (400, 404, 422)
            self._plain = self._plain or refused
            return refused

        return await client.reply(messages, send, [self._format()], without_format)

    def _format(self) -> dict[str, Any]:
        wanted = None if self._plain else self.protocol.response_format
        return {"response_format": wanted} if wanted else {}

    def _read(self, text: str, unit: Sequence[Criterion]) -> dict[str, ReadVerdict]:
        if len(unit) > 1:
            return read_verdicts(text, [one.id for one in unit])
        found = read_verdict(text)
        return {unit[0].id: found} if found else {}


def _entry(read: ReadVerdict, usd: float | None, of: int) -> dict[str, Any]:
    return {"met": read.met, "reason": read.reason, "usd": usd / of if usd is not None else None}


def _verdict(
    criterion: str, judge_pass: int, entry: dict[str, Any] | None, error: str | None
) -> Verdict:
    if entry is None:
        return Verdict(criterion=criterion, judge_pass=judge_pass, met=None, error=error)
    return Verdict(
        criterion=criterion, judge_pass=judge_pass, met=entry["met"], reason=entry["reason"]
    )
