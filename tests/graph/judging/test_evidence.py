"""What the judge is shown of the members' sources: what was cited, once."""

import re

from tests.graph.cast import JUDGE, WRITER, A, B, Part, cast, settings
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
