from langgraph_fusion.cli.display.findings import findings, findings_markdown
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
