"""What the judge is shown of the members' sources: what was cited, once."""

import re
from pathlib import Path

from tests.graph.cast import JUDGE, WRITER, A, B, Part, cast, disputed, judge, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, text, tool_calls


def _cites(*ids: str) -> Part:
    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return text("Three members " + "".join(f"[{id}]" for id in ids) + ".")
        return tool_calls([("docs_search", {"query": "fusion panel members run costs"})])

    return member


async def test_a_passage_that_two_members_cite_stands_in_the_prompt_once(
    fuse: Fuse, docs: str
) -> None:
    script = cast({A: _cites("A1"), B: _cites("B1")})
    fused = await fuse(script, settings(tools=["docs"], docs=docs))
    for model in (JUDGE, WRITER):
        told = fused.server.seen_by(model)[0].last
        evidence = re.findall(r"<evidence.*?</evidence>", told, re.S)
        assert "".join(evidence).count("The fusion panel has three members.") == 1
        assert re.search(r"\(the same passages as [AB]1\)", told)


async def test_what_was_not_cited_is_counted_and_not_shown(fuse: Fuse, docs: str) -> None:
    fused = await fuse(cast({A: _cites("A1")}), settings(tools=["docs"], docs=docs))
    told = fused.server.seen_by(JUDGE)[0].last
    of_a = re.search(r'<evidence seat="A">.*?</evidence>', told, re.S)
    assert of_a
    assert of_a[0].count("<source ") == 1
    assert "(1 more source was not cited.)" in of_a[0]


LONG = "\n".join(
    [
        *(f"Clause {n} speaks of the committee and of its duties." for n in range(30)),
        "The fee is 13 euros. It is paid in May.",
        *(f"Clause {n} speaks of meetings and of their minutes." for n in range(30, 60)),
        "The bridge carries 40 tonnes. It opened in 1931.",
        *(f"Clause {n} speaks of archives and of their keeping." for n in range(60, 90)),
    ]
)


async def test_what_two_claims_cite_stands_in_the_evidence_once(fuse: Fuse, tmp_path: Path) -> None:
    """Two claims on one passage, one cited twice, and neighbours that overlap."""
    (tmp_path / "rules.md").write_text(LONG)
    said = (
        "The fee is 13 euros [A1]. Paid in May is the fee of 13 euros [A1][A1].\n"
        "It is 13 euros, then [A1]. The bridge carries 40 tonnes [A1]."
    )

    def member(seen: Seen) -> Reply:
        if seen.tool_results:
            return text(said)
        return tool_calls([("docs_read", {"id_or_path": "rules.md"})])

    fused = await fuse(cast({A: member}), settings(tools=["docs"], docs=str(tmp_path)))
    for model in (JUDGE, WRITER):
        told = fused.server.seen_by(model)[0].last
        of_a = re.search(r'<evidence seat="A">.*?</evidence>', told, re.S)
        assert of_a
        shown = re.findall(r"[^.\n]+\.(?=\s|\Z)", of_a[0])
        lines = [one.strip(" …") for one in shown if one.strip(" …") in LONG]
        assert {"The fee is 13 euros.", "The bridge carries 40 tonnes."} <= set(lines)
        assert len(lines) == len(set(lines)), "no sentence twice"


async def test_no_stub_of_an_uncited_source_reaches_judge_or_writer(fuse: Fuse, docs: str) -> None:
    """Neither its title nor its address, in the first round or in a follow-up."""

    def member(seen: Seen) -> Reply:
        if not seen.tool_results:
            return tool_calls([("docs_search", {"query": "fusion panel members run costs"})])
        later = "<your_earlier_answer>" in seen.text
        return text("F1: a run costs 0.12 dollars [A2]." if later else "Three members [A1].")

    chosen = settings(tools=["docs"], docs=docs)
    fused = await fuse(cast({A: member, JUDGE: judge(disputed(), {"consensus": []})}), chosen)
    first, second = fused.server.seen_by(JUDGE)
    assert _sources_of(first) == {"A1"}
    assert _sources_of(second) == {"A2"}
    assert _sources_of(fused.server.seen_by(WRITER)[0]) == {"A1", "A2"}


def _sources_of(seen: Seen) -> set[str]:
    blocks = re.findall(r"<evidence.*?</evidence>", seen.last, re.S)
    return set(re.findall(r'<source id="(\w+)"', "".join(blocks)))
