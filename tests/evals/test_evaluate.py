"""Whole evaluations over the scripted server: what the arms answer, share, pay and score."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from langgraph_fusion.evals.arms.from_settings import ABLATIONS
from langgraph_fusion.evals.evaluate import evaluate
from langgraph_fusion.evals.limits import Limits
from langgraph_fusion.evals.records import StoredResult
from langgraph_fusion.graph.errors import ConfigError
from tests.evals.world import (
    FACTS,
    GRADER,
    SECRET,
    Part,
    dataset,
    expected_score,
    plan,
    script,
)
from tests.graph.cast import JUDGE, WRITER, A, B
from tests.graph.conftest import Price, Serve
from tests.scripted import Reply, ScriptedServer, Seen
from tests.scripted_replies import Completion


def calls(server: ScriptedServer) -> Counter[str]:
    return Counter(seen.model for seen in server.requests)


async def test_every_arm_is_scored_from_its_own_answers(serve: Serve) -> None:
    await serve(script())
    data = dataset(6)
    result = await evaluate(plan(data))
    assert [arm.name for arm in result.arms] == ["solo a", "solo b", "best member", "panel"]
    for arm in result.arms:
        for task, outcome in zip(data.tasks, arm.outcomes, strict=True):
            assert outcome.score is not None
            assert outcome.score.score == pytest.approx(expected_score(task, outcome.answer.text))
    panel, best = result.arm("panel"), result.arm("best member")
    assert panel is not None
    assert best is not None
    solos = [result.arm("solo a"), result.arm("solo b")]
    for task in data.tasks:
        of_members = [one.scores[task.id] for one in solos if one]
        assert best.scores[task.id] == max(of_members)
        assert panel.scores[task.id] >= best.scores[task.id]
    assert StoredResult.from_json(result.to_json()) == result


async def test_all_arms_share_the_members_and_what_can_be_shared_of_the_rest(
    serve: Serve, priced: Price, tmp_path: Path
) -> None:
    server = await serve(script())
    priced()
    variant = tmp_path / "shorter"
    variant.mkdir()
    (variant / "length_auto.md").write_text("Be short.")
    arms = plan(dataset(3), ablate=list(ABLATIONS), writers=["w/other"], prompts=[variant])
    result = await evaluate(arms)
    made = calls(server)
    assert made[A] == 3 * 2, "a sample for the panel and one more for self-fusion"
    assert made[B] == 3
    assert made[JUDGE] == 3 * 3, "the panel's, self-fusion's, and the judge alone"
    by_name = {arm.name: arm for arm in result.arms}
    assert set(by_name) >= {"placebo analysis", "concatenation", "judge picks", "solo judge"}
    assert by_name["no follow-ups"].scores == by_name["panel"].scores


async def test_a_variant_of_the_members_prompt_asks_the_members_again(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve(script())
    (tmp_path / "member.md").write_text("Look into the box yourself.")
    await evaluate(plan(dataset(2), prompts=[tmp_path]))
    asked = [seen for name in (A, B) for seen in server.seen_by(name)]
    assert len(asked) == 2 * 2 * 2
    assert sum("Look into the box yourself." in seen.system for seen in asked) == 2 * 2


async def test_a_second_evaluation_pays_nothing_and_says_the_same(serve: Serve) -> None:
    server = await serve(script())
    first = await evaluate(plan(dataset(4)))
    paid = calls(server)
    again = await evaluate(plan(dataset(4)))
    assert calls(server) == paid
    assert again.arms == first.arms
    assert first.spent_usd
    assert again.spent_usd == 0.0


async def test_no_rubric_reaches_a_member_a_judge_of_the_panel_or_a_writer(serve: Serve) -> None:
    server = await serve(script())
    await evaluate(plan(dataset(3), ablate=["placebo", "no_judge", "self_fusion"]))
    told = {seen.model for seen in server.requests if SECRET in str(seen.body)}
    assert told == {GRADER}
    graded = [str(seen.body) for seen in server.seen_by(GRADER)]
    assert all(sum(f"names {fact}" in body for fact in FACTS) == 1 for body in graded)


async def test_at_the_spend_cap_it_stops_and_another_run_goes_on(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call costs 0.7 cents, and nothing is paid twice."""
    prices = {name: "{ input = 1.0, output = 2.0 }" for name in (A, B, JUDGE, WRITER, GRADER)}
    rows = [f'"{name}" = {price}' for name, price in prices.items()]
    (tmp_path / "prices.toml").write_text("\n".join(rows))
    monkeypatch.setenv("FUSION_PRICES", str(tmp_path / "prices.toml"))
    server = await serve(costly(script()))
    monkeypatch.setenv("FUSION_EVALS", str(tmp_path / "one"))
    whole = await evaluate(plan(dataset(6)))
    of_whole = calls(server)
    assert whole.spent_usd == pytest.approx(server.usage().cost)
    cap = server.usage().cost / 2
    server.requests.clear()
    monkeypatch.setenv("FUSION_EVALS", str(tmp_path / "two"))
    part = await evaluate(plan(dataset(6), limits=Limits(budget_usd=cap, tasks=2)))
    assert part.spent_usd is not None
    assert 0 < part.spent_usd <= cap
    assert "spend cap" in part.notes[0]
    finished = len(part.arms[0].outcomes)
    assert 0 < finished < 6
    for one, other in zip(part.arms, whole.arms, strict=True):
        assert one.scores == dict(list(other.scores.items())[:finished])
    rest = await evaluate(plan(dataset(6)))
    assert calls(server) == of_whole
    assert [arm.scores for arm in rest.arms] == [arm.scores for arm in whole.arms]


async def test_a_cap_that_cannot_be_kept_is_refused_before_anything_is_paid(serve: Serve) -> None:
    server = await serve(script())
    with pytest.raises(ConfigError, match="no price is listed for openrouter:m/a"):
        await evaluate(plan(dataset(2), limits=Limits(budget_usd=1.0)))
    assert not server.requests


def costly(script: Part) -> Part:
    def part(seen: Seen) -> Reply:
        reply = script(seen)
        assert isinstance(reply, Completion)
        return replace(reply, usage={"prompt_tokens": 1000, "completion_tokens": 3000})

    return part
