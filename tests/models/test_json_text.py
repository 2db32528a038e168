import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.models.json_text import lenient_json, read_arguments

FISH = {"query": "fish"}


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        (FISH, FISH),
        ('{"query": "fish"}', FISH),
        (json.dumps('{"query": "fish"}'), FISH),
        ([FISH], FISH),
        ('[{"query": "fish"}]', FISH),
        ('{"query": "fish"}{"query": "lake"}', FISH),
        ('{}{"query": "fish"}', FISH),
        ('{"query": "fish"}<|tool_call_end|>', FISH),
        ('```json\n{"query": "fish"}\n```', FISH),
        ("{'query': 'fish'}", FISH),
        ('{"query": "fish"', FISH),
        ("{query: fish}", FISH),
        *((nothing, {}) for nothing in (
            None, "", "null", "5", 5, True, "[]", [], "heron nests", '"heron nests"', "{}", [1],
            0.5, "[1, 2]",
        )),
    ],
)  # fmt: skip
def test_arguments_are_read_however_they_are_written(given_: Any, read: dict[str, Any]) -> None:
    assert read_arguments(given_) == read


MARKS = ["{", "}", "[", "]", '"', "'", ":", ",", "a", "1", " ", "\n", "\\", "null", "NaN", "(", "`",
         "//", "é", "\ud83d", "<", "1e999", "-"]  # fmt: skip


@given(st.lists(st.sampled_from(MARKS), max_size=60).map("".join) | st.text())
def test_no_text_makes_a_reader_raise(text: str) -> None:
    json.dumps(lenient_json(text), allow_nan=False)
    assert isinstance(read_arguments(text), dict)


@pytest.mark.parametrize("mark", [*MARKS, '{"a":', "[{", "({", '"a", ', "`" * 3, '{"a": 1},'])
def test_a_long_text_of_any_mark_is_given_up_in_time(mark: str) -> None:
    text = mark * (200_000 // len(mark))
    lenient_json(text)
    lenient_json("{" + text)
    read_arguments(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_arguments_of_any_shape_are_an_object(value: Any) -> None:
    assert isinstance(read_arguments(value), dict)
