"""Members' stored work: in another seat, under keys that say what went into it."""

from typing import Any

from langgraph_fusion.evals.runs.fingerprint import MEMBER_ROLES, WRITER_ROLES, fingerprint
from langgraph_fusion.evals.runs.letters import joined, reseated
from langgraph_fusion.graph.prompts import prompt_texts

JUDGE_ROLES = {
    "judge", "judge_again", "judge_brief", "judge_grown", "judge_schema", "repair",
}  # fmt: skip


def update(seat: str = "A", text: str = "It is so [A1], see [A1, A2] but not A1 or [B1].") -> Any:
    source: dict[str, Any] = {
        "id": f"{seat}1", "seat": seat, "kind": "page", "url": "https://x.org/a", "text": "long",
        "canonical_url": "https://x.org/a", "title": "", "retrieved_at": "2026-01-01T00:00:00Z",
        "sha256": "0", "same_as": None, "aliases": [],
    }  # fmt: skip
    answer = {
        "seat": seat, "text": text, "error": None, "cited": [f"{seat}1"], "shown": [f"{seat}1"],
    }  # fmt: skip
    return {
        "answers": [answer], "sources": {f"{seat}1": source}, "dropped": [],
        "bill": [{"seat": seat, "cost_usd": 0.1}], "degraded": [], "notes": [],
    }  # fmt: skip


def test_in_another_seat_its_citations_sources_and_bill_are_the_seats() -> None:
    moved = reseated(update(), "A", "C")
    (answer,) = moved["answers"]
    assert answer["text"] == "It is so [C1], see [C1, C2] but not A1 or [B1]."
    assert (answer["seat"], answer["cited"], answer["shown"]) == ("C", ["C1"], ["C1"])
    assert list(moved["sources"]) == ["C1"]
    assert moved["sources"]["C1"]["seat"] == "C"
    assert moved["bill"][0]["seat"] == "C"
    assert reseated(moved, "C", "A")["answers"] == update()["answers"]


def test_a_source_that_two_members_were_shown_is_marked() -> None:
    whole = joined({"A": update(), "B": reseated(update(), "A", "B")})
    assert whole["A.0"]["sources"]["A1"]["same_as"] is None
    assert whole["B.0"]["sources"]["B1"]["same_as"] == "A1"


def test_every_prompt_is_some_stages() -> None:
    """A new prompt of a member has to be named, or stored runs would be taken for runs with it."""
    others = prompt_texts().keys() - MEMBER_ROLES - WRITER_ROLES
    assert others - JUDGE_ROLES == set()


def test_stages_have_fingerprints_of_their_own() -> None:
    assert len({fingerprint(stage) for stage in ("member", "judge", "writer")}) == 3
