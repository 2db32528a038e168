"""A model judges citations in batches; what it cannot judge stays unchecked, and nothing fails."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from langgraph_fusion.graph.calls.budget import BudgetReached
from langgraph_fusion.graph.calls.seat_client import SeatClient, SeatFailed
from langgraph_fusion.graph.calls.tool_call_repair import without_tool_calls
from langgraph_fusion.graph.judging.evidence import EvidenceLimits
from langgraph_fusion.graph.judging.fitting import ShrinkablePrompt
from langgraph_fusion.graph.judging.judge_call import about_the_shape
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.prompts.passages import source_block
from langgraph_fusion.graph.prompts.tags import blocks, tag
from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.records import Call
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.verification.evidence import PASSAGE_CHARS, Citation
from langgraph_fusion.graph.verification.verdict_reply import (
    Found,
    UnusableVerdicts,
    read_verdicts,
    response_format,
    verdict_schema,
)
from langgraph_fusion.models.answer_text import text_of
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef

BATCH = 10
"""Citations in one call: small models lose count of more. Ours."""
MOST = 120
"""Citations of one answer that are checked; a cited book costs no fortune."""
_STEPS = (EvidenceLimits(PASSAGE_CHARS), EvidenceLimits(800), EvidenceLimits(300))


@dataclass
class Verdicts:
    """What a model found, by the place of the citation, and what it took."""

    found: dict[int, Found] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    model: str = ""
    failures: list[str] = field(default_factory=list)
    """Why batches were not judged, in a few words each."""


async def verdicts_of(run: Run, seat: ModelSeat, citations: Sequence[Citation]) -> Verdicts:
    """Ask the seat about all citations, batches side by side."""
    numbered = list(enumerate(citations[:MOST]))
    batches = [numbered[at : at + BATCH] for at in range(0, len(numbered), BATCH)]
    clients = [_client(run, seat, place) for place in range(len(batches))]
    asked = (_Batch(run, client, batch) for client, batch in zip(clients, batches, strict=True))
    parts = await asyncio.gather(*(one.judge() for one in asked))
    verdicts = Verdicts(model=str(clients[0].model) if clients else str(seat.models[0]))
    for client, (found, failure) in zip(clients, parts, strict=True):
        verdicts.found |= found
        verdicts.calls += client.bill.calls
        verdicts.failures += [failure] if failure else []
    if len(citations) > MOST:
        verdicts.failures.append(f"only the first {MOST} citations are checked")
    return verdicts


def _client(run: Run, seat: ModelSeat, place: int) -> SeatClient:
    return run.seat_client(seat, "verifier", "verify", 0, part=place)


class _Batch:
    """One conversation about a few citations; asks for the schema, in words where it is refused."""

    def __init__(
        self, run: Run, client: SeatClient, citations: Sequence[tuple[int, Citation]]
    ) -> None:
        self._client = client
        self._citations = citations
        self._ids = [place + 1 for place, _ in citations]
        self._in_words = False
        self._shown: dict[int, str] = {}
        self._prompt = ShrinkablePrompt(run, "verifier", self._made, _STEPS)

    async def judge(self) -> tuple[dict[int, Found], str]:
        """The verdicts by place, and why there are none or not all."""
        while True:
            try:
                return {id - 1: one for id, one in (await self._answered()).items()}, ""
            except UnusableVerdicts as unusable:
                if not self._client.give_up(Fault("bad_response", str(unusable))):
                    return {}, reason_text("bad_response")
                self._prompt.remake()
            except SeatFailed as failed:
                return {}, reason_text(failed.fault.reason, failed.fault.detail)
            except BudgetReached:
                return {}, reason_text("budget")

    async def _answered(self) -> dict[int, Found]:
        """Ask, and once more with what was wrong."""
        reply = await self._reply()
        try:
            return read_verdicts(text_of(reply), self._shown)
        except UnusableVerdicts as unusable:
            errors = "\n".join(f"- {one}" for one in unusable.errors)
            schema = "" if self._in_words else self._schema()
            told = prompt("repair", errors=errors, schema=schema)
            self._prompt.messages.extend([AIMessage(reply.text or "(empty)"), HumanMessage(told)])
        return read_verdicts(text_of(await self._reply()), self._shown)

    async def _reply(self) -> AIMessage:
        messages = self._prompt.messages
        return await self._client.reply(messages, self._send, self._asked_for(), self._mend)

    async def _send(self, model: BaseChatModel) -> AIMessage:
        asked_for = self._asked_for()
        asked = model.bind(response_format=asked_for[0]) if asked_for else model
        reply = await asked.ainvoke(self._prompt.messages)
        assert isinstance(reply, AIMessage)
        return without_tool_calls(reply)

    def _asked_for(self) -> list[dict[str, object]]:
        return [] if self._in_words else [response_format(self._ids)]

    def _mend(self, fault: Fault, ref: ModelRef) -> bool:
        if not self._in_words and about_the_shape(fault):
            self._in_words = True
            self._prompt.remake()
            return True
        return self._prompt.shrink_on_overflow(fault, ref)

    def _schema(self) -> str:
        return f" {prompt('judge_schema', schema=json.dumps(verdict_schema(self._ids)))}"

    def _made(self, limits: EvidenceLimits) -> list[BaseMessage]:
        system = prompt("verify", schema=self._schema() if self._in_words else "")
        shown = "\n\n".join(self._block(place, one, limits) for place, one in self._citations)
        return [SystemMessage(system), HumanMessage(shown)]

    def _block(self, place: int, one: Citation, limits: EvidenceLimits) -> str:
        passages = one.passages(limits.cited_chars)
        self._shown[place + 1] = f"{one.source.title}\n{passages}"
        claim = one.claim
        parts = [tag("before", claim.before)] if claim.before else []
        parts += [tag("sentence", claim.sentence)]
        source = one.source.model_copy(update={"same_as": None, "text": one.text})
        parts += [source_block(source, passages)]
        return blocks("citation", "\n".join(parts), id=str(place + 1))
