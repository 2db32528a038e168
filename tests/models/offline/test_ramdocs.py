"""How often the judge notices that labelled documents contradict each other, and cries wolf."""

from collections.abc import Iterator, Sequence

import pytest

from tests.models.offline.ramdocs import SAMPLE, Document, analysis_of, conflicting_seats, rows

pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason="the RAMDocs sample is not here")


def _useful(documents: Sequence[Document]) -> list[Document]:
    return [document for document in documents if document["type"] != "noise"][:8]


def _panels_of_one_answer() -> Iterator[tuple[str, list[Document]]]:
    for row in rows():
        correct = [each for each in _useful(row["documents"]) if each["type"] == "correct"]
        for answer in dict.fromkeys(each["answer"] for each in correct):
            same = [each for each in correct if each["answer"] == answer]
            if len(same) > 1:
                yield row["question"], same


def test_misinformation_is_noticed_in_a_fair_share_of_the_rows() -> None:
    """11 of 39 when this was written; many documents never state their labelled answer."""
    noticed, total = 0, 0
    for row in rows():
        documents = _useful(row["documents"])
        false = {
            seat
            for seat, document in zip("ABCDEFGH", documents, strict=False)
            if document["type"] == "misinfo"
        }
        if false:
            total += 1
            groups = conflicting_seats(analysis_of(row["question"], documents))
            noticed += any(group & false and group - false for group in groups)
    assert total == 39
    assert noticed >= 10


def test_documents_that_give_one_answer_are_hardly_ever_in_conflict() -> None:
    """0 of 56 when this was written."""
    panels = list(_panels_of_one_answer())
    alarms = [
        question for question, same in panels if analysis_of(question, same)["contradictions"]
    ]
    assert len(panels) == 56
    assert len(alarms) <= 1


def test_several_legitimate_answers_are_hardly_ever_a_conflict() -> None:
    """1 of 38 when this was written."""
    alarms, total = 0, 0
    for row in rows():
        correct = [each for each in _useful(row["documents"]) if each["type"] == "correct"]
        if len({each["answer"] for each in correct}) > 1:
            total += 1
            alarms += bool(analysis_of(row["question"], correct)["contradictions"])
    assert total == 38
    assert alarms <= 2
