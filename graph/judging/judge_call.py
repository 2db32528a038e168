"""The conversation with a judge, changed when its model cannot handle the request."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langgraph_fusion.graph.calls.seat_client import SeatClient
from langgraph_fusion.graph.calls.tool_call_repair import without_tool_calls
from langgraph_fusion.graph.judging.evidence import LIMITS_IN_STEPS, EvidenceLimits
from langgraph_fusion.graph.judging.fitting import ShrinkablePrompt
from langgraph_fusion.graph.judging.judge_schema import Known, analysis_schema, response_format
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef

_SHAPE = ("response_format", "json_schema", "structured output", "requested parameters")


Make = Callable[[EvidenceLimits, "Shape"], list[BaseMessage]]


@dataclass(frozen=True)
class Shape:
    """How the judge is asked for its analysis."""

    in_words: bool = False
    """The schema is part of the prompt, not of the request."""
    brief: bool = False
    """Fewer fields are asked for, and less is shown."""


class _Made:
    """Makes the prompt in the present shape; knows nothing of the talk, whose texts would else stay
    until Python looks for cycles.
    """

    def __init__(self, make: Make) -> None:
        self.shape = Shape()
        self._make = make

    def __call__(self, limits: EvidenceLimits) -> list[BaseMessage]:
        return self._make(limits, self.shape)


class JudgeTalk:
    """Asks for the schema; a provider that refuses `response_format` is asked in words alone.

    The schema goes out once: in `response_format`, or in words to a provider that refuses it or
    whose model did not keep to it. A model that cannot fill it in, or takes too long over it, is
    asked for less.
    """

    def __init__(self, run: Run, client: SeatClient, make: Make, known: Known) -> None:
        self._run = run
        self._client = client
        self._known = known
        self._made = _Made(make)
        self._told = False
        self._prompt = ShrinkablePrompt(run, "judge", self._made)

    @property
    def messages(self) -> list[BaseMessage]:
        return self._prompt.messages

    @property
    def asked_for(self) -> list[dict[str, Any]]:
        """What goes with the messages and costs tokens as well."""
        brief = self._made.shape.brief
        return [] if self._made.shape.in_words else [response_format(self._known, brief=brief)]

    async def send(self, model: BaseChatModel) -> AIMessage:
        asked = model.bind(response_format=self.asked_for[0]) if self.asked_for else model
        shown = self._client.images.shown(self.messages, self._client.ref_of(model))
        reply = await asked.ainvoke(shown)
        assert isinstance(reply, AIMessage)
        return without_tool_calls(reply)  # it was offered none

    def correct(self, reply: AIMessage, errors: list[str]) -> None:
        """Send the reply back with what is wrong with it."""
        schema = "" if self._told or self._made.shape.in_words else schema_in_words()
        self._told = True
        asked = prompt("repair", errors="\n".join(f"- {one}" for one in errors), schema=schema)
        self.messages.extend([AIMessage(reply.text or "(empty)"), HumanMessage(asked)])

    def simplify(self) -> bool:
        """Begin anew with fewer fields and less to read; False if that was done before."""
        if self._made.shape.brief:
            return False
        self._made.shape = replace(self._made.shape, brief=True)
        self._prompt = ShrinkablePrompt(self._run, "judge", self._made, LIMITS_IN_STEPS[-1:])
        note = "The judge's model could not fill in a whole analysis; fewer points were asked."
        self._run.degrade("judge_brief", note)
        return True

    def mend(self, fault: Fault, ref: ModelRef) -> bool:
        """Ask without the schema, for less, or with less evidence, if that may help."""
        if not self._made.shape.in_words and about_the_shape(fault):
            self._made.shape = replace(self._made.shape, in_words=True)
            self._prompt.remake()
            return True
        if fault.was_silent and self.simplify():
            return True
        return self._prompt.shrink_on_overflow(fault, ref)


def schema_in_words(*, brief: bool = False) -> str:
    """The schema as part of a prompt."""
    schema = json.dumps(analysis_schema(brief=brief), separators=(",", ":"))
    return f" {prompt('judge_schema', schema=schema)}"


def about_the_shape(fault: Fault) -> bool:
    """A bad request is taken to be about the schema unless its provider says something else."""
    if fault.status_code in (400, 422) and fault.reason == "upstream_error":
        return True
    return fault.status_code in (400, 404, 422) and any(
        word in fault.detail.lower() for word in _SHAPE
    )
