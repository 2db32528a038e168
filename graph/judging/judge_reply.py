"""Read the judge's reply: leniently as JSON, strictly as an `Analysis`."""

from typing import Any

from langchain_core.messages import AIMessage
from pydantic import ValidationError

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.judging.judge_schema import Known
from langgraph_fusion.models.answer_text import text_of
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.json_text import lenient_json

_MAX_ERRORS = 12
"""Errors sent back at once: a reply with more is wrong as a whole."""


class UnusableReply(Exception):
    """The reply is no analysis; `errors` go back to the judge, `code` goes into the result."""

    def __init__(self, code: str, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.code = code
        self.errors = errors

    @property
    def fault(self) -> Fault:
        return Fault("bad_response", self.code)


def read_analysis(reply: AIMessage, known: Known) -> Analysis:
    """Parse what a model made of the schema; `known` holds the seats and sources it was shown.

    Raises:
        UnusableReply: With the exact errors.
    """
    data = _object(text_of(reply))
    try:
        return Analysis.model_validate(data, context=vars(known))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        lines = [f"{_where(one['loc'])}: {one['msg']}" for one in found[:_MAX_ERRORS]]
        raise UnusableReply("judge_schema_mismatch", lines) from error


def _object(text: str) -> dict[str, Any]:
    """The outermost JSON object in a reply, whatever stands around it or is missing inside."""
    begin = text.find("{")
    data: Any = lenient_json(text[begin:]) if begin >= 0 else None
    if isinstance(data, list):
        data = next((item for item in data if isinstance(item, dict)), None)
    if not isinstance(data, dict) or not data.keys() & Analysis.model_fields.keys():
        raise UnusableReply(
            "judge_not_valid_json", ["the reply holds no JSON object of the schema"]
        )
    return data


def _where(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "the object"
