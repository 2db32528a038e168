"""What an evaluation would cost, and what equal spend buys."""

from pathlib import Path

import pytest

from langgraph_fusion.evals.arms.derived import equal_spend
from langgraph_fusion.evals.arms.from_settings import all_patient
from langgraph_fusion.evals.estimate import INPUT_TOKENS, OUTPUT_TOKENS, estimate_evaluation
from langgraph_fusion.evals.records import Answer, ArmKind, ArmResult, Outcome, StageUse
from tests.evals.world import GRADER, dataset, plan
from tests.graph.cast import JUDGE, WRITER, A, B


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f'"{one}" = {{ input = 1.0, output = 2.0 }}' for one in (A, B, JUDGE, WRITER, GRADER)]
    (tmp_path / "prices.toml").write_text("\n".join(rows))
    monkeypatch.setenv("FUSION_PRICES", str(tmp_path / "prices.toml"))


@pytest.mark.usefixtures("prices")
def test_the_estimate_is_that_of_all_members_panels_and_verdicts() -> None:
    found = estimate_evaluation(plan(dataset(4), passes=2))
    assert (found.tasks, found.member_runs) == (4, 4 * 2)
    assert found.verdicts == 4 * 5 * 3 * 2, (
        "two solos and the panel; the best member is one of them"
    )
    each = (INPUT_TOKENS * 1.0 + OUTPUT_TOKENS * 2.0) / 1e6
    assert found.judging.likely == pytest.approx(found.verdicts * each)
    parts = (found.members, found.panels, found.judging)
    assert found.total.likely == pytest.approx(sum(one.likely or 0.0 for one in parts))
    assert found.total.high is not None
    assert found.total.likely is not None
    assert 0 < found.total.likely <= found.total.high


@pytest.mark.usefixtures("prices")
def test_arms_that_share_work_add_only_what_is_their_own() -> None:
    def panels(**given: object) -> float:
        cost = estimate_evaluation(plan(dataset(1), **given)).panels.likely  # type: ignore[arg-type]
        assert cost is not None
        return cost

    alone = panels()
    assert panels(ablate=["judge_picks", "concat"]) == alone
    assert alone < panels(ablate=["placebo"]) < panels(ablate=["self_fusion"])


def test_a_model_without_a_price_makes_the_estimate_unknown() -> None:
    found = estimate_evaluation(plan(dataset(1)))
    assert found.total.likely is None


def test_equal_spend_seats_a_member_as_often_as_the_panels_money_buys() -> None:
    made = plan(dataset(2), ablate=["equal_spend"])
    (arm,) = [one for one in made.arms if one.kind == "equal_spend"]
    arms = [result("solo a", "solo", 0.1), result("panel", "panel", 0.52)]
    spec, note = equal_spend(arm, made.members, arms)
    assert spec is not None
    assert [place.sample for place in spec.panel] == [0, 1, 2, 3, 4]
    assert len(spec.settings.panel) == 5
    assert "5 samples of a" in note


@pytest.mark.parametrize(("alone", "panel"), [(0.0, 0.0), (None, 0.5), (0.5, 0.5)])
def test_equal_spend_is_left_out_where_it_says_nothing(
    alone: float | None, panel: float | None
) -> None:
    made = plan(dataset(2), ablate=["equal_spend"])
    (arm,) = [one for one in made.arms if one.kind == "equal_spend"]
    arms = [result("solo a", "solo", alone), result("panel", "panel", panel)]
    spec, note = equal_spend(arm, made.members, arms)
    assert spec is None
    assert "left out" in note


def test_people_are_given_an_hour_in_every_seat() -> None:
    made = plan(dataset(1), ablate=["self_fusion"])
    members, arms = all_patient(made.members, made.arms)
    seats = [one.seat for one in members.values()]
    seats += [seat for arm in arms for seat in arm.settings.panel]
    assert {seat.timeout_s for seat in seats} == {3600.0}
    assert {arm.settings.synthesizer.timeout_s for arm in arms} == {3600.0}


def result(name: str, kind: ArmKind, usd: float | None) -> ArmResult:
    stage = StageUse(stage="panel", calls=1, cost_usd=usd)
    answer = Answer(text="x", cost_usd=usd, stages=(stage,))
    return ArmResult(name=name, kind=kind, outcomes=(Outcome(task="t000", answer=answer),))
