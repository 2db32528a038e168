"""The spend cap over real HTTP: every run under a cap answers, or says at once why it cannot."""

import re

import pytest

from langgraph_fusion.graph.errors import ConfigError
from tests.graph.cast import JUDGE, PANEL, WRITER, A, B, C, cast, disputed, judge, settings
from tests.graph.conftest import Fuse, Price, Serve
from tests.scripted import (
    Reply,
    Seen,
    broken_stream,
    hang,
    in_turn,
    status,
    structured,
    text,
    tool_calls,
)

LONG = "A sentence that says something about the number 42. " * 150
"""About 1,900 tokens on the scripted server."""


def researcher(seen: Seen) -> Reply:
    """Searches the documents three times if it may, then answers at length."""
    if seen.tool_names and len(seen.tool_results) < 3:
        return tool_calls([("docs_search", {"query": f"fusion panel {len(seen.tool_results)}"})])
    return text(LONG)


CAPS = [0.002 * 1.7**step for step in range(10)]


@pytest.mark.parametrize("cap", CAPS)
async def test_under_any_cap_a_run_answers_or_says_at_once_why_not(
    fuse: Fuse, serve: Serve, priced: Price, docs: str, cap: float
) -> None:
    script = cast({A: researcher, B: researcher, C: researcher, JUDGE: judge(disputed(), {})})
    capped = settings(budget_usd=cap, tools=["docs"], docs=docs)
    try:
        fused = await fuse(script, capped)
    except ConfigError as error:
        least = float(re.findall(r"at least (\d+\.\d+)", str(error))[0])
        assert least > cap
        return
    assert fused.result.answer
    assert 0 < fused.server.usage().cost <= cap


async def test_the_least_cap_that_is_named_is_enough(
    fuse: Fuse, serve: Serve, priced: Price
) -> None:
    server = await serve(cast())
    with pytest.raises(ConfigError, match="does not pay for one member and the writer") as caught:
        await fuse(cast(), settings(budget_usd=0.0001))
    assert not server.requests
    least = float(re.findall(r"at least (\d+\.\d+)", str(caught.value))[0])
    fused = await fuse(cast({name: text(LONG) for name in PANEL}), settings(budget_usd=least))
    assert fused.result.answer
    assert fused.server.usage().cost <= least


async def test_members_wait_for_each_other_instead_of_being_refused(
    fuse: Fuse, priced: Price
) -> None:
    """0.6 of the cap pays for one worst case of 0.03 dollars and a bit; all three answer."""
    fused = await fuse(cast(), settings(budget_usd=0.06))
    assert [seat.status for seat in fused.result.panel] == ["ok", "ok", "ok"]
    assert fused.result.degraded == ()


async def test_a_member_too_dear_for_the_cap_is_left_out(fuse: Fuse, priced: Price) -> None:
    priced(c=1000.0)
    fused = await fuse(cast(), settings(budget_usd=0.9))
    assert [one.seat for one in fused.result.failed_members] == ["C"]
    assert fused.result.failed_members[0].reason == "budget"
    assert "budget" in fused.result.degraded
    assert not fused.server.seen_by(C)
    assert fused.result.answer == "Done."


async def test_a_writer_too_dear_for_what_is_left_leaves_the_best_answer(
    fuse: Fuse, priced: Price
) -> None:
    long = cast({name: text("word " * 9000) for name in PANEL})
    fused = await fuse(long, settings(budget_usd=0.09))
    assert "synthesizer_budget" in fused.result.degraded
    assert fused.result.answer.startswith("word")
    assert fused.server.usage().cost <= 0.09


async def test_research_ends_while_the_answer_can_still_be_paid(
    fuse: Fuse, priced: Price, docs: str
) -> None:
    capped = settings(budget_usd=0.08, tools=["docs"], docs=docs, panel=[A])
    fused = await fuse(cast({A: researcher}), capped)
    assert fused.result.panel[0].status == "ok"
    last = fused.server.seen_by(A)[-1]
    assert not last.tool_names
    assert "budget" in fused.result.degraded


async def test_a_call_is_sent_with_the_output_limit_that_was_set_aside(
    fuse: Fuse, priced: Price
) -> None:
    fused = await fuse(cast(), settings(budget_usd=0.03))
    limits = [seen.body["max_completion_tokens"] for seen in fused.server.seen_by(A)]
    assert 2_000 <= limits[0] < 16_000
    free = await fuse(cast(), settings())
    assert "max_completion_tokens" not in free.server.seen_by(A)[0].body


async def test_repairs_of_the_judge_are_paid_from_the_cap(fuse: Fuse, priced: Price) -> None:
    wrong = structured({"consensus": [{"claim": "x", "seats": ["Z"]}]})
    fused = await fuse(cast({JUDGE: wrong}), settings(budget_usd=0.2))
    assert len(fused.server.seen_by(JUDGE)) == 3
    assert "judge_schema_mismatch" in fused.result.degraded
    assert fused.server.usage().cost <= 0.2


@pytest.mark.parametrize(("unknown", "refused"), [("refuse", True), ("ignore", False)])
async def test_a_model_without_a_price_is_refused_unless_it_is_to_be_ignored(
    fuse: Fuse, priced: Price, unknown: str, refused: bool
) -> None:
    script = cast({"m/unlisted": text("42.", cost=None)})
    given = settings(budget_usd=1, panel=[A, "m/unlisted"], unknown_cost=unknown)
    if refused:
        with pytest.raises(ConfigError, match=r"no price is known for openrouter:m/unlisted"):
            await fuse(script, given)
        return
    fused = await fuse(script, given)
    assert fused.result.panel[1].status == "ok"
    assert fused.result.bill.total.cost_usd is None


async def test_a_model_without_a_price_can_count_as_the_dearest(fuse: Fuse, priced: Price) -> None:
    script = cast({"m/unlisted": text("42.", cost=None)})
    given = settings(panel=[A, "m/unlisted"], unknown_cost="worst_case")
    fused = await fuse(script, given.changed(budget_usd=0.1))
    assert fused.result.panel[1].status == "failed"  # 2,000 tokens may cost 0.1 dollars
    fused = await fuse(script, given.changed(budget_usd=3))
    assert fused.result.panel[1].status == "ok"
    assert fused.result.bill.total.cost_usd is None


async def test_a_hedge_that_the_cap_does_not_pay_for_leaves_the_slow_model_alone(
    fuse: Fuse, priced: Price
) -> None:
    priced(b=1000.0)
    seat = {"model": A, "fallbacks": [B], "hedge_s": 0.1}
    script = cast({A: text("Alpha, late.").after(0.6)})
    fused = await fuse(script, settings(budget_usd=0.1, panel=[seat]))
    assert fused.result.answers[0].text == "Alpha, late."
    assert not fused.server.seen_by(B)


async def test_a_hedge_waits_for_the_money_of_the_slow_model(fuse: Fuse, priced: Price) -> None:
    seat = {"model": A, "fallbacks": [B], "hedge_s": 0.1}
    script = cast({A: text("Alpha, late.").after(0.6)})
    fused = await fuse(script, settings(budget_usd=0.02, panel=[seat]))
    assert fused.result.answers[0].text == "Alpha, late."
    assert fused.server.usage().cost <= 0.02


async def test_what_a_cancelled_hedge_may_have_cost_counts_as_its_worst_case(
    fuse: Fuse, priced: Price
) -> None:
    seat = {"model": A, "fallbacks": [B], "hedge_s": 0.1, "max_tokens": 4000}
    script = cast({A: hang(), B: text("Beta, in time."), JUDGE: structured({})})
    fused = await fuse(script, settings(budget_usd=0.06, panel=[seat]))
    assert fused.result.answers[0].text == "Beta, in time."
    assert fused.result.bill.total.cost_usd is None
    assert fused.result.answer == "Done."


async def test_continuations_are_paid_from_the_cap(fuse: Fuse, priced: Price) -> None:
    endless = text(LONG, finish_reason="length")
    fused = await fuse(cast({WRITER: endless}), settings(budget_usd=0.03, panel=[A]))
    assert "synthesizer_truncated" in fused.result.degraded
    assert fused.result.answer.startswith("A sentence")
    assert fused.server.usage().cost <= 0.03


@pytest.mark.parametrize(
    ("failure", "unknown_cost", "status_of_the_seat"),
    [
        (status(503, headers={"Retry-After-Ms": "20"}), "refuse", "ok"),
        (broken_stream("Half an answer, and the rest"), "refuse", "failed"),
        (broken_stream("Half an answer, and the rest"), "ignore", "ok"),
    ],
    ids=["refused by the provider", "broken", "broken, to be ignored"],
)
async def test_of_failed_calls_only_those_that_may_have_cost_something_use_up_the_cap(
    fuse: Fuse, priced: Price, failure: Reply, unknown_cost: str, status_of_the_seat: str
) -> None:
    """The panel's share pays for one worst case of seat A and most of another."""
    panel = [{"model": A, "max_tokens": 8000}, {"model": B, "max_tokens": 500}]
    given = settings(budget_usd=0.05, panel=panel, unknown_cost=unknown_cost)
    fused = await fuse(cast({A: in_turn(failure, failure, text("At last: 42."))}), given)
    assert fused.result.panel[0].status == status_of_the_seat
    known = fused.result.bill.total.cost_usd is not None
    assert known == (failure == status(503, headers={"Retry-After-Ms": "20"}))
