"""The passages of a source that judge and writer are shown beside a claim."""

from hypothesis import given
from hypothesis import strategies as some

from langgraph_fusion.graph.prompts.passages import MOST_CHARS, cited_passages, passages_room
from langgraph_fusion.tools.sources import Source, Sources

FILLER = [
    f"Section {n} speaks of procedures and of the committee's duties in general."
    for n in range(400)
]
FACT = "The bridge carries 12.5 kilotonnes a day since 1931."


def source(text: str) -> Source:
    return Sources().add("A", "document", "docs:long.md", "Long", text)


def test_the_passage_that_a_claim_cites_is_found_anywhere_in_a_long_source() -> None:
    for place in (0, 57, 399):
        sentences = [*FILLER[:place], FACT, *FILLER[place:]]
        shown = cited_passages(source(" ".join(sentences)), "It bears 12.5 kilotonnes daily [A1].")
        assert FACT in shown
        assert len(shown) <= passages_room(1)


def test_every_claim_gets_its_passage_and_its_neighbours() -> None:
    facts = {place: f"Clause {place} sets the fee at {place}.75 euros." for place in (30, 180, 390)}
    sentences = [facts.get(n, text) for n, text in enumerate(FILLER)]
    answer = "\n".join(f"- The fee is {place}.75 euros [A1]." for place in facts)
    shown = cited_passages(source(" ".join(sentences)), answer)
    assert all(fact in shown for fact in facts.values())
    assert f"{FILLER[29]} {facts[30]} {FILLER[31]}" in shown, "in the source's own text"
    assert passages_room(1) < passages_room(3) < passages_room(99) == MOST_CHARS


@given(some.text(alphabet="ab1 .\n", max_size=9000), some.text(alphabet="ab1 [A].\n", max_size=300))
def test_what_is_shown_is_the_sources_own_text_and_fits(text: str, answer: str) -> None:
    cited = source(text or "x")
    shown = cited_passages(cited, answer)
    assert len(shown) <= MOST_CHARS
    assert all(part in cited.text for part in shown.split(" … "))


def test_without_room_nothing_is_shown() -> None:
    assert cited_passages(source(FACT), "It is [A1].", 0) == ""
