"""What of a long text is shown, and how a result says what stands elsewhere."""

import re

from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.tools.excerpt import excerpt
from langgraph_fusion.tools.references import lines_as, only_true, you_have

LONG = [
    "- The heron nests in alders near the lake. " * 6,
    "- word " * 50,
    "- pike and perch. " * 40,
]
FREE = some.sets(some.integers(0, 79))
LINES = some.lists(
    some.sampled_from(["", "- heron", "The heron nests in alders. " * 4, "word " * 60, "x"]),
    max_size=80,
)


@given(LINES, some.integers(0, 4000), FREE)
def test_no_gap_is_left_that_is_not_worth_a_note(
    lines: list[str], room: int, free: set[int]
) -> None:
    kept = excerpt(lines, "Where do herons nest?", room, free)
    gaps = "".join("." if at in kept else "x" for at in range(len(lines)))
    for gap in re.finditer("x+", gaps):
        assert sum(len(lines[at].strip()) for at in range(*gap.span())) >= 200


@given(some.lists(some.sampled_from(LONG), max_size=60), some.integers(1700, 9000), FREE)
def test_an_excerpt_keeps_to_its_room(lines: list[str], room: int, free: set[int]) -> None:
    kept = excerpt(lines, "Where do herons nest?", room, free)
    assert sum(len(lines[at]) + 1 for at in kept if at not in free) <= room + 1


def test_a_text_of_one_long_line_is_shown() -> None:
    assert excerpt(["Herons nest. " * 900], "Where?", 5000) == {0}


def test_the_beginning_and_what_is_asked_for_stay() -> None:
    lines = ["# Birds", *(f"\nPlain talk of item {n}, and more of it. " * 5 for n in range(60))]
    lines.insert(50, "Kingfishers nest in banks of sand.")
    kept = excerpt(lines, "Where do kingfishers nest?", 3000)
    assert {0, 1, 50} <= kept
    assert len(kept) < 30


def test_a_note_on_what_no_longer_stands_says_so() -> None:
    text = f"{you_have(['A7', 'A9 (in A2, A3)'])}\n{lines_as('5-12', 'A2')}"
    assert only_true(text, {"A7", "A2", "A3"}) == text
    without = only_true(text, {"A2"})
    assert "you have: " not in without
    assert "no longer here: A7, A9; docs_read shows it" in without
    assert "[you have lines 5-12 as A2]" in without
    assert "[lines 5-12 were shown as A2, no longer here" in only_true(text, {"A7"})
