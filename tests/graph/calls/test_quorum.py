from tests.graph.cast import JUDGE, A, B, C, cast, settings
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, hang, status, text, tool_calls


async def test_a_straggler_is_cut_off_after_the_grace(fuse: Fuse) -> None:
    fused = await fuse(cast({C: hang()}), settings(quorum=2, grace_s=0.3))
    assert [(one.seat, one.reason) for one in fused.result.failed_members] == [("C", "quorum")]
    assert fused.result.degraded == ()
    assert '<failed seat="C">' in fused.server.seen_by(JUDGE)[0].last


async def test_a_member_that_answers_within_the_grace_is_heard(fuse: Fuse) -> None:
    fused = await fuse(cast({C: text("Gamma, late.").after(0.5)}), settings(quorum=2, grace_s=10))
    assert [answer.status for answer in fused.result.answers] == ["ok", "ok", "ok"]


async def test_a_late_member_loses_its_tools_and_writes_with_what_it_has(
    fuse: Fuse, docs: str
) -> None:
    def slow(seen: Seen) -> Reply:
        if not seen.tool_names:
            return text("In short, 42 [C1].")
        return tool_calls([("docs_search", {"query": "fusion"})]).after(0.5)

    fused = await fuse(cast({C: slow}), settings(tools=["docs"], docs=docs, quorum=2, grace_s=30))
    answer = next(one for one in fused.result.answers if one.seat == "C")
    assert answer.text == "In short, 42 [C1]."
    assert answer.tool_calls == 1
    assert "No tools remain" in fused.server.seen_by(C)[-1].last


async def test_partial_work_of_a_member_that_was_cut_off_is_kept(fuse: Fuse, docs: str) -> None:
    def stuck(seen: Seen) -> Reply:
        if seen.tool_results:
            return hang()
        return tool_calls([("docs_search", {"query": "fusion"})], content="Looking.")

    script = cast({A: text("42").after(0.5), B: text("42").after(0.5), C: stuck})
    fused = await fuse(script, settings(tools=["docs"], docs=docs, quorum=2, grace_s=0.2))
    answer = next(one for one in fused.result.answers if one.seat == "C")
    assert answer.status == "partial"
    assert "Looking." in answer.text
    assert "[C1]" in answer.text


async def test_a_failed_member_does_not_count_towards_the_quorum(fuse: Fuse) -> None:
    script = cast({A: status(404), C: text("Gamma, late.").after(0.6)})
    fused = await fuse(script, settings(quorum=2, grace_s=0))
    assert [answer.text for answer in fused.result.answers if answer.text] == [
        "Beta says 42.",
        "Gamma, late.",
    ]
