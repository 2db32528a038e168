import pytest
from hypothesis import given
from hypothesis import strategies as st

from langgraph_fusion.graph.citations import cited_ids
from langgraph_fusion.graph.verification.claims import cited_claims


def _claims(text: str) -> list[tuple[str, str]]:
    return [(one.id, one.text) for one in cited_claims(text)]


def test_each_citation_of_a_sentence_answers_for_its_own_part() -> None:
    found = list(cited_claims("Norway sold 15 TWh [A1], while Sweden sold 33 TWh [B2][C1]."))
    assert [(one.id, one.text) for one in found] == [
        ("A1", "Norway sold 15 TWh"),
        ("B2", "while Sweden sold 33 TWh."),
        ("C1", "while Sweden sold 33 TWh."),
    ]
    assert found[0].sentence == "Norway sold 15 TWh [this], while Sweden sold 33 TWh [another]."


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("It rose by 4 %. [A1] Then it fell.", [("A1", "It rose by 4 %.")]),
        ("It rose.[A1] Then it fell [A2].", [("A1", "It rose."), ("A2", "Then it fell.")]),
        ("Dr. Lee of the U.S. Navy, e.g. hers, won [A1].",
         [("A1", "Dr. Lee of the U.S. Navy, e.g. hers, won.")]),
        ("According to [A4], nothing holds.", [("A4", "According to, nothing holds.")]),
        ("1. First thing [A1]\n2. Second thing [A2]",
         [("A1", "First thing"), ("A2", "Second thing")]),
        ("A paragraph that is\nwrapped by hand [A1].",
         [("A1", "A paragraph that is wrapped by hand.")]),
        ("瑞典出口三十太瓦时。[A1]挪威没有。[B2]",
         [("A1", "瑞典出口三十太瓦时。"), ("B2", "挪威没有。")]),
        ("No citation here. And `code[A1]` is none.\n\n```\nx[A1]\n```\n", []),
        ("It is so [A1, B2].", [("A1", "It is so."), ("B2", "It is so.")]),
        ("It is so [A1]. It is so [A1].", [("A1", "It is so.")]),
    ],
)  # fmt: skip
def test_the_claim_is_what_stands_before_the_citation(
    text: str, claims: list[tuple[str, str]]
) -> None:
    assert _claims(text) == claims


def test_a_row_of_a_table_is_read_with_the_heads_of_its_columns() -> None:
    table = "| Country | TWh |\n|---|---|\n| Norway | 15 [A1] |\n| Sweden | 33 [B2] |\n"
    assert _claims(table) == [
        ("A1", "Country: Norway; TWh: 15"),
        ("B2", "Country: Sweden; TWh: 33"),
    ]


def test_a_claim_comes_with_its_heading_and_the_sentence_before() -> None:
    (claim,) = cited_claims("## Norway\n\nIt has dams. They made 15 TWh [A1].")
    assert claim.before == "Norway … It has dams."


@given(st.lists(st.sampled_from([
    "It rose", " [A1]", ".", " ", "\n", "\n\n", "- ", "| ", " |", "[B2][C3]", "`", "```", "# ",
    "e.g. ", "**", "1. ", "(", ")", "[A1, B2]", "4.5 %", "。", "\ue000",
    "\\",
]), max_size=40).map("".join))  # fmt: skip
def test_every_citation_has_a_claim_whatever_the_text(text: str) -> None:
    assert {one.id for one in cited_claims(text)} == set(cited_ids(text))


def test_an_empty_heading_is_no_name() -> None:
    (claim,) = cited_claims("# \nIt rose [A1].")
    assert (claim.text, claim.before) == ("It rose.", "")
