from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.models.faults import Reason, fault_of


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_of_a_model_call_is_a_sentence(reason: str) -> None:
    text = reason_text(reason)
    assert " " in text
    assert "_" not in text
    assert text[0].islower()
    assert reason_text(f"synthesizer_{reason}") == text


@pytest.mark.parametrize(
    ("reason", "detail", "text"),
    [
        ("empty", "", "the reply was empty"),
        ("timeout", "TimeoutError", "no answer came in time"),
        ("unexpected_error", "KeyError", "something unexpected went wrong"),
        ("bad_response", "judge_schema_mismatch", "the server's reply cannot be read"),
        (
            "unexpected_error",
            "2 validation errors for Analysis consensus Field required",
            "something unexpected went wrong",
        ),
        ("unauthorized", "check OPENAI_API_KEY (no such key)",
         "the provider refuses the key: check OPENAI_API_KEY (no such key)"),
        ("a_new_code", "", "a new code"),
    ],
)  # fmt: skip
def test_details_are_added_where_they_help(reason: str, detail: str, text: str) -> None:
    assert reason_text(reason, detail) == text


@given(st.sampled_from(get_args(Reason)), st.text(max_size=400))
def test_a_reason_is_one_short_line_whatever_a_server_said(reason: str, detail: str) -> None:
    text = reason_text(reason, detail)
    assert len(text) < 220
    assert text.splitlines() == [text]


class _Shape(BaseModel):
    number: int


def test_no_name_of_an_exception_and_no_dump_reaches_a_reader() -> None:
    with pytest.raises(ValidationError) as raised:
        _Shape.model_validate({"number": "x"})
    for error in (TimeoutError(), TimeoutError(), KeyError(), raised.value):
        fault = fault_of(error)
        text = reason_text(fault.reason, fault.detail)
        assert "Error" not in text
        assert "validation" not in text
