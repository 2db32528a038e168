"""The conversation with a judge, changed when its model cannot take it as it is."""

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from langgraph_fusion.graph.calls.tool_call_repair import without_tool_calls
from langgraph_fusion.graph.judging.fitting import ShrinkablePrompt
from langgraph_fusion.graph.judging.judge_reply import response_format
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef

_SHAPE = ("response_format", "json_schema", "structured output", "requested parameters")


class JudgeTalk:
    """Asks for the schema; a provider that refuses `response_format` is asked in words alone."""

    def __init__(self, fitting: ShrinkablePrompt) -> None:
        self._fitting = fitting
        self._shaped = True

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
        asked = prompt("repair", errors="\n".join(f"- {one}" for one in errors))
        self.messages.extend([AIMessage(reply.text or "(empty)"), HumanMessage(asked)])

    def mend(self, fault: Fault, ref: ModelRef) -> bool:
        """Ask without the schema, or with less evidence, if that may help."""
        if self._shaped and _about_the_shape(fault):
            self._shaped = False
            return True
        return self._fitting.mend(fault, ref)


def _about_the_shape(fault: Fault) -> bool:
    """A bad request is taken to be about the schema unless its provider says something else."""
    if fault.status_code in (400, 422) and fault.reason == "upstream_error":
        return True
    return fault.status_code in (400, 404, 422) and any(
        word in fault.detail.lower() for word in _SHAPE
    )
