"""The conversation with a judge, changed when its model cannot take it as it is."""

import json
from collections.abc import Callable

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langgraph_fusion.graph.calls.tool_call_repair import without_tool_calls
from langgraph_fusion.graph.judging.evidence import EvidenceLimits
from langgraph_fusion.graph.judging.fitting import ShrinkablePrompt
from langgraph_fusion.graph.judging.judge_reply import analysis_schema, response_format
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef

_SHAPE = ("response_format", "json_schema", "structured output", "requested parameters")


class JudgeTalk:
    """Asks for the schema; a provider that refuses `response_format` is asked in words alone.

    The schema goes out once: in `response_format`, or in words to a provider that refuses it or
    whose model did not keep to it.
    """

    def __init__(self, run: Run, make: Callable[[EvidenceLimits, bool], list[BaseMessage]]) -> None:
        self._shaped = True
        self._told = False
        self._fitting = ShrinkablePrompt(run, "judge", lambda room: make(room, not self._shaped))

    @property
    def messages(self) -> list[BaseMessage]:
        return self._fitting.messages

    async def send(self, model: BaseChatModel) -> AIMessage:
        asked = model.bind(response_format=response_format()) if self._shaped else model
        reply = await asked.ainvoke(self.messages)
        assert isinstance(reply, AIMessage)
        return without_tool_calls(reply)  # it was offered none

    def correct(self, reply: AIMessage, errors: list[str]) -> None:
        """Send the reply back with what is wrong with it."""
        schema = "" if self._told or not self._shaped else schema_in_words()
        self._told = True
        asked = prompt("repair", errors="\n".join(f"- {one}" for one in errors), schema=schema)
        self.messages.extend([AIMessage(reply.text or "(empty)"), HumanMessage(asked)])

    def mend(self, fault: Fault, ref: ModelRef) -> bool:
        """Ask without the schema, or with less evidence, if that may help."""
        if self._shaped and _about_the_shape(fault):
            self._shaped = False
            self._fitting.remake()
            return True
        return self._fitting.mend(fault, ref)


def schema_in_words() -> str:
    """The schema as part of a prompt."""
    schema = json.dumps(analysis_schema(), separators=(",", ":"))
    return f" {prompt('judge_schema', schema=schema)}"


def _about_the_shape(fault: Fault) -> bool:
    """A bad request is taken to be about the schema unless its provider says something else."""
    if fault.status_code in (400, 422) and fault.reason == "upstream_error":
        return True
    return fault.status_code in (400, 404, 422) and any(
        word in fault.detail.lower() for word in _SHAPE
    )
