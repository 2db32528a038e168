from langgraph_fusion.web.findings import findings, findings_markdown, source_numbers
from tests.cli import recorded


def test_findings_stand_in_reading_order_with_seats_and_sources() -> None:
    found = findings(recorded.ANALYSIS, [recorded.FOLLOW_UP])
    assert [one.kind for one in found] == [
        "agree", "conflict", "partly", "only one", "gap", "suspect", "asked",
    ]  # fmt: skip
    assert found[0].text == "A and B: The lake was counted in 2024. [A1]"
    assert found[1].text.splitlines() == ["number of fish (open)", "A: 4,200 [A1]", "B: 3,900"]
    assert found[-1].text == "A and B: Which census gives the number, and for which year?"


def test_an_open_conflict_is_open_and_a_resolved_one_says_how() -> None:
    opened, settled = findings(recorded.ANALYSIS)[1], findings(recorded.settled())[1]
    assert (opened.open, settled.open) == (True, False)
    assert settled.text.endswith("resolved: 4,200: the census of 2024; 3,900 was 2019.")


def test_an_empty_analysis_is_no_error() -> None:
    assert findings({}) == []


def test_the_markdown_page_nests_the_stances() -> None:
    page = findings_markdown(recorded.ANALYSIS)
    assert page.startswith("## What the judge found\n\n- **agree:** A and B: The lake")
    assert "- **conflict:** number of fish (open)\n  - A: 4,200 [A1]\n  - B: 3,900\n" in page


def test_findings_number_sources_as_the_answer_does() -> None:
    numbers = source_numbers(
        [
            recorded.SOURCE | {"id": "A1", "number": 7},
            recorded.SOURCE | {"id": "B2", "number": None},
        ]
    )
    analysis = recorded.ANALYSIS | {
        "consensus": [{"claim": "It froze.", "seats": ["A"], "sources": ["A1", "B2"]}],
        "contradictions": [
            recorded.settled()["contradictions"][0] | {"resolution": "By [A1] and [C9]."}
        ],
    }
    found = findings(analysis, (), numbers)
    assert found[0].text == "A: It froze. [7, B2]"
    assert found[1].text.endswith("resolved: By [7] and [C9].")


def test_what_an_answer_says_against_itself_and_what_all_took_for_granted_is_shown() -> None:
    analysis = {
        "self_contradictions": [
            {
                "what": "4,200 here, 4,300 there.",
                "seats": ["A"],
                "sources": ["A1"],
                "matters": "high",
            }
        ],
        "shared_premises": [
            {"premise": "The lake has fish.", "why": "It is dry.", "matters": "high"}
        ],
        "suspect_claims": [
            {
                "claim": "No pike.",
                "seats": ["A", "B"],
                "why": "No source.",
                "status": "narrowed",
                "holds_as": "No pike since 2020.",
                "matters": "high",
            }
        ],
    }
    within, premise, suspect = findings(analysis)
    assert (within.kind, within.text, within.open) == (
        "at odds", "A: 4,200 here, 4,300 there. [A1]", True,
    )  # fmt: skip
    assert premise.text == "The lake has fish.\nIt is dry."
    assert suspect.text.endswith("holds as: No pike since 2020.")
    assert not suspect.open
