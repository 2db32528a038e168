from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.tools.search.dates import published_date

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2025-01-15T09:30:00", "2025-01-15"), ("2023-11-16T01:36:32.547Z", "2023-11-16"),
        ("2026-03-01", "2026-03-01"), ("Tue, 24 Nov 2026 12:00:00 GMT", "2026-11-24"),
        ("Oct 9, 2026", "2026-10-09"), ("9 October 2026", "2026-10-09"),
        ("2 days ago", "2026-11-26"), ("1 hour ago", "2026-11-28"), ("3 weeks ago", "2026-11-07"),
        ("1 year ago", "2025-11-28"), ("yesterday", None), ("", None), ("99999-01-01", None),
        ("2999-01-01", None), ("0001-01-01", None), (5, None), (None, None), ("9" * 5000, None),
        ("9999 years ago", None),
    ],
)  # fmt: skip
def test_a_day_is_read_as_engines_write_it(said: object, day: str | None) -> None:
    assert published_date(said, now=NOW) == day


@given(st.one_of(st.text(max_size=70), st.integers(), st.none()))
def test_whatever_an_engine_says_is_a_day_or_nothing(said: object) -> None:
    day = published_date(said, now=NOW)
    assert day is None or datetime.fromisoformat(day).year >= 1900
