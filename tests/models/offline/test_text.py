"""The words by which sentences are compared."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from langgraph_fusion.models.offline.text import read_sentences, stem

STEMS = ["verif", "citat", "organ", "nation", "hope", "gener", "skat", "relat", "sensit", "conven"]
ENDINGS = ["ing", "ational", "ization", "fulness", "iveness", "ed", "ies", "ously", "izer", "ency"]


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_members_that_work_side_by_side_read_the_same_words() -> None:
    words = ["".join(pair) for pair in product(STEMS, ENDINGS)]
    right = [stem.__wrapped__(word) for word in words]
    with ThreadPoolExecutor(8) as threads:
        read = threads.map(lambda _: [stem.__wrapped__(word) for word in words], range(60))
        assert all(one == right for one in read)


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("A class keeps __annotations__ of names.", "A class keeps __annotations__ of names."),
        ("`__init__` and __init__ differ.", "`__init__` and __init__ differ."),
        ("Keep snake_case_names and 2 * 3 * 4.", "Keep snake_case_names and 2 * 3 * 4."),
        ("__Two words__ and **one** are strong.", "Two words and one are strong."),
        ("Classes\nkeep\n__annotations__", "Classes keep __annotations__"),
        ("An _emphasised_ word.", "An emphasised word."),
    ],
)
def test_names_keep_their_underscores_in_a_quote(markdown: str, shown: str) -> None:
    assert [one.text for one in read_sentences(markdown)] == [shown]
