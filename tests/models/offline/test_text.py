"""The words by which sentences are compared."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from langgraph_fusion.models.offline.text import stem

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
