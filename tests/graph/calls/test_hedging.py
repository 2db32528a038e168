"""A slow seat is hedged on its fallback: whoever begins first has it, and both are on the bill."""

import os
from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.errors import ConfigError
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast, settings
from tests.graph.conftest import Fuse, Fused, Price
from tests.scripted import broken_stream, hang, keep_alive_only, status, structured, text

SPARE = "m/spare"


def hedged(model: str = A, **given: Any) -> dict[str, Any]:
    return {"model": model, "fallbacks": [SPARE], "hedge_s": 0.2, **given}


def calls_of(fused: Fused, seat: str) -> dict[str, tuple[str | None, bool]]:
    """Of each model of a seat: how the call failed, and whether its cost is known."""
    calls = [call for call in fused.result.bill.calls if call.seat == seat]
    return {call.model: (call.error, call.cost_usd is not None) for call in calls}


async def test_a_seat_that_is_slow_to_begin_is_given_to_its_fallback_as_well(fuse: Fuse) -> None:
    script = cast({A: hang(), SPARE: text("Spare says 42.")})
    fused = await fuse(script, settings(panel=[hedged(), B, C]))
    answer = fused.result.answers[0]
    assert (answer.text, answer.model) == ("Spare says 42.", f"openrouter:{SPARE}")
    assert [(one.model, one.reason) for one in answer.switches] == [(f"openrouter:{A}", "slow")]
    assert calls_of(fused, "A") == {
        f"openrouter:{A}": ("cancelled", False),
        f"openrouter:{SPARE}": (None, True),
    }
    assert fused.result.bill.total.cost_usd is None
    assert fused.told("model.hedge")[0]["next"] == f"openrouter:{SPARE}"
    assert len(fused.server.abandoned) == 1


async def test_the_slow_model_is_kept_if_it_is_still_first(fuse: Fuse) -> None:
    script = cast({A: text("Alpha, in time.").after(0.5), SPARE: hang()})
    fused = await fuse(script, settings(panel=[hedged(), B, C]))
    answer = fused.result.answers[0]
    assert (answer.text, answer.switches) == ("Alpha, in time.", ())
    assert calls_of(fused, "A")[f"openrouter:{SPARE}"] == ("cancelled", False)


async def test_a_quick_seat_costs_one_call(fuse: Fuse) -> None:
    fused = await fuse(cast(), settings(panel=[hedged(hedge_s=30), B, C]))
    assert not fused.server.seen_by(SPARE)
    assert not fused.told("model.hedge")


async def test_a_hedge_that_fails_leaves_the_seat_to_the_slow_model(fuse: Fuse) -> None:
    script = cast({A: text("Alpha, late.").after(0.8), SPARE: status(404)})
    fused = await fuse(script, settings(panel=[hedged(), B, C]))
    answer = fused.result.answers[0]
    assert answer.text == "Alpha, late."
    assert [(one.model, one.reason) for one in answer.switches] == [
        (f"openrouter:{SPARE}", "invalid_model")
    ]


async def test_when_both_fail_the_seat_has_failed_and_nobody_is_asked_again(fuse: Fuse) -> None:
    script = cast({A: status(401).after(0.5), SPARE: status(404)})
    fused = await fuse(script, settings(panel=[hedged(), B, C]))
    assert fused.result.failed_members[0].reason == "unauthorized"
    assert len(fused.server.seen_by(SPARE)) == len(fused.server.seen_by(A)) == 1


@pytest.mark.parametrize("slow", [hang(), keep_alive_only()], ids=["silent", "keep-alive"])
async def test_only_one_of_two_writers_gets_the_page(fuse: Fuse, slow: Any) -> None:
    script = cast({WRITER: slow, SPARE: text("Whole.")})
    fused = await fuse(script, settings(synthesizer=hedged(WRITER)))
    assert "".join(one["text"] for one in fused.told("writer.delta")) == "Whole."
    assert (fused.result.answer, fused.result.written_by) == ("Whole.", f"openrouter:{SPARE}")
    assert fused.result.degraded == ("synthesizer_switched",)


async def test_a_writer_that_has_begun_is_not_hedged(fuse: Fuse) -> None:
    script = cast({WRITER: text("Slow but steady.", pace=0.4), SPARE: text("Never asked.")})
    fused = await fuse(script, settings(synthesizer=hedged(WRITER, hedge_s=0.8)))
    assert fused.result.answer == "Slow but steady."
    assert not fused.server.seen_by(SPARE)


async def test_a_writer_that_wins_and_breaks_gives_way_to_the_other(fuse: Fuse) -> None:
    script = cast({WRITER: text("Whole.").after(0.4), SPARE: broken_stream("Half of it, no more")})
    fused = await fuse(script, settings(synthesizer=hedged(WRITER)))
    assert fused.result.answer == "Whole."


def test_a_hedge_without_a_fallback_is_refused() -> None:
    with pytest.raises(ConfigError, match="name one in fallbacks"):
        settings(panel=[{"model": A, "hedge_s": 1}])


def price_spare() -> None:
    with Path(os.environ["FUSION_PRICES"]).open("a") as file:
        file.write(f'\n"{SPARE}" = {{ input = 1.0, output = 2.0 }}\n')


CAP = 0.9
"""US dollars; the worst case of a call of `GREEDY` tokens takes two thirds of it."""
GREEDY = 300_000


@pytest.mark.parametrize("where", ["panel", "judge", "synthesizer"])
async def test_under_a_cap_the_second_model_starts_while_the_first_hangs(
    fuse: Fuse, priced: Price, where: str
) -> None:
    price_spare()
    slow = {"panel": A, "judge": JUDGE, "synthesizer": WRITER}[where]
    analysis = {"consensus": [{"claim": "It is 42.", "seats": ["A", "B"]}]}
    spare = structured(analysis) if where == "judge" else text("Spare says 42.")
    seat = hedged(slow, max_tokens=GREEDY)
    chosen = [seat, B, C] if where == "panel" else seat
    script = cast({slow: hang(), SPARE: spare})
    fused = await fuse(script, settings(budget_usd=CAP, **{where: chosen}))
    letter = "A" if where == "panel" else where
    assert calls_of(fused, letter) == {
        f"openrouter:{slow}": ("cancelled", False),
        f"openrouter:{SPARE}": (None, True),
    }
    [lost] = [one for one in fused.told("model.call") if one["error"] == "cancelled"]
    assert 0 < lost["counted_usd"] + fused.server.usage().cost < CAP


async def test_a_cap_that_pays_for_one_call_only_gets_no_hedge_and_an_answer(
    fuse: Fuse, priced: Price
) -> None:
    price_spare()
    script = cast({WRITER: text("In the end.").after(0.6)})
    writer = hedged(WRITER, max_tokens=600_000)
    fused = await fuse(script, settings(budget_usd=0.5, synthesizer=writer))
    assert fused.result.answer.startswith("In the end.")
    assert not fused.server.seen_by(SPARE)
    assert not fused.told("model.hedge")
