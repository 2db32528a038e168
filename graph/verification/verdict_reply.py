"""The form of a verifying model's reply, and how it is read: leniently as JSON, strictly by ids."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from langgraph_fusion.graph.records import Verdict
from langgraph_fusion.models.json_text import lenient_json

Schema = dict[str, Any]


class Found(BaseModel):
    """The verdict on one citation of a batch."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)

    id: int
    """The id of the citation."""
    verdict: Verdict
    quote: str = ""
    """Words of the passages on which the verdict rests, copied exactly."""
    missing: str = ""
    """What of the claim the passages do not bear out."""


class _Reply(BaseModel):
    verdicts: list[Found] = Field(min_length=1)


class UnusableVerdicts(Exception):
    """The reply holds no verdicts, or not all; `errors` go back to the model."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = list(errors)


def verdict_schema(ids: Sequence[int]) -> Schema:
    """What a reply on these citations has to fit, as providers' strict modes want it."""
    named = {"type": "integer", "enum": list(ids)}
    kinds = {"type": "string", "enum": ["supported", "partly", "not_found"]}
    fields = {
        "id": named,
        "quote": {"type": "string"},
        "missing": {"type": "string"},
        "verdict": kinds,
    }
    one = _closed(fields)
    return _closed({"verdicts": {"type": "array", "items": one}})


def response_format(ids: Sequence[int]) -> Schema:
    """The request field that asks a provider for this schema."""
    schema = {"name": "verdicts", "strict": True, "schema": verdict_schema(ids)}
    return {"type": "json_schema", "json_schema": schema}


def read_verdicts(text: str, passages: Mapping[int, str]) -> dict[int, Found]:
    """The verdicts of a reply by id; `passages` are those that were shown.

    A quote that does not stand in its passages is dropped.

    Raises:
        UnusableVerdicts: With the exact errors.
    """
    found = {one.id: one for one in _parsed(text) if one.id in passages}
    if missing := sorted(passages.keys() - found.keys()):
        raise UnusableVerdicts([f"verdicts: there is none for id {id}" for id in missing])
    return {id: _quoting(one, passages[id]) for id, one in found.items()}


def _parsed(text: str) -> list[Found]:
    begin = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    data: Any = lenient_json(text[begin:]) if begin >= 0 else None
    if isinstance(data, list):
        data = {"verdicts": data}
    if not isinstance(data, dict) or "verdicts" not in data:
        raise UnusableVerdicts(["the reply holds no JSON object of the schema"])
    try:
        return _Reply.model_validate(data).verdicts
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[:12]
        lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found]
        raise UnusableVerdicts(lines) from error


def _quoting(one: Found, passages: str) -> Found:
    stands = one.quote.strip() and _letters(one.quote) in _letters(passages)
    return one if stands else one.model_copy(update={"quote": ""})


def _letters(text: str) -> str:
    """A text by which quotations are compared: without white space, marks and letter case."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _closed(fields: Schema) -> Schema:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }
