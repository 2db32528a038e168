"""The figures of a result: arms, comparisons, and what is said beside them."""

import statistics

import pytest

from langgraph_fusion.evals.records import Answer, ArmResult, Calibration, Mark, Outcome
from langgraph_fusion.evals.report.summary import best_member, summarise
from tests.evals.report.invented import MEMBERS, TASKS, arm, panel_result, result, scored


def test_an_arm_is_summed_up_over_its_tasks() -> None:
    found = summarise(panel_result()).arm("panel")
    scores = [o.score.score for o in panel_result().arms[4].outcomes if o.score]
    assert found.score.mean == pytest.approx(statistics.fmean(scores))
    assert (found.score.n, found.tasks, found.coverage, found.complete) == (24, 24, 1.0, True)
    assert {name: one.n for name, one in found.domains.items()} == {
        "Birds": 8, "Bridges": 8, "Law & <order>": 8
    }  # fmt: skip
    assert found.axes.keys() == {"facts", "form"}
    assert found.cost_usd.mean == pytest.approx(0.075)
    assert found.citations.addresses.mean == 1
    assert found.citations.cited.mean == 1
    assert found.citations.without_citation == 0
    assert found.judge_usd == pytest.approx(0.24)
    (stage,) = found.stages
    assert (stage.stage, stage.calls, stage.seconds) == ("panel", 3, 40)
    assert stage.cost_usd == pytest.approx(0.05)


def test_refused_failed_and_lost_are_kept_apart() -> None:
    good = scored("x", {"a": 80.0, "b": 60.0}).outcomes
    outcomes = (
        *good,
        Outcome(task="c", answer=Answer(text="", refused=True)),
        Outcome(task="d", answer=Answer(text="", finish="failed", error="timeout")),
        Outcome(task="e", answer=Answer(text="fine", finish="length"), due=10),
    )
    (found,) = summarise(result(ArmResult(name="x", kind="recorded", outcomes=outcomes))).arms
    assert (found.refused, found.failed, found.unscored, found.truncated) == (1, 1, 1, 1)
    assert (found.score.mean, found.score.n) == (70, 2)
    assert (found.score_with_zeros.mean, found.score_with_zeros.n) == (35, 4)
    assert (found.coverage, found.complete) == (0.0, False)
    assert found.cost_usd.mean is None
    assert found.cost_unknown == 5


def test_every_question_is_answered_with_pairs_and_one_correction_over_all() -> None:
    found = summarise(panel_result())
    pairs = {
        part.question: [(one.first, one.second) for one in part.differences]
        for part in found.comparisons
    }
    fused = ["panel", "no judge", "concatenation", "placebo <b>"]
    best = best_member(panel_result().arms[4], panel_result().arms)
    assert best
    assert pairs == {
        "Better than the best member?": [(name, best.name) for name in fused],
        "Better than the best member of each task?": [(name, "oracle") for name in fused],
        "What is each part of the panel worth?": [("panel", name) for name in fused[1:]],
    }
    tests = [one for part in found.comparisons for one in part.differences]
    assert all(one.p_holm is not None and one.p is not None for one in tests)
    assert min(one.p_holm or 0 for one in tests) == pytest.approx(
        min(11 * (one.p or 0) for one in tests)
    )


def test_arms_without_roles_are_compared_with_each_other() -> None:
    found = summarise(result(scored("x", {"a": 1, "b": 2}), scored("y", {"a": 3, "b": 5})))
    (part,) = found.comparisons
    assert [(one.first, one.second) for one in part.differences] == [("x", "y")]
    assert found.all_fail == ()


def test_the_best_member_is_chosen_on_the_tasks_all_were_scored_on() -> None:
    strong = scored("strong", {"a": 80, "b": 60}, "solo")
    lucky = scored("lucky", {"b": 65}, "solo")
    panel = scored("panel", {"a": 70}, "panel").model_copy(update={"members": ("strong", "lucky")})
    best = best_member(panel, (strong, lucky, panel))
    assert best
    assert best.name == "lucky"


def test_the_share_that_all_members_fail_is_told_once_a_panel() -> None:
    (found,) = summarise(panel_result()).all_fail
    assert found.members == MEMBERS
    failed = sum(
        all((one.outcomes[at].score.score if one.outcomes[at].score else 0) < 50  # type: ignore[union-attr]
            for one in panel_result().arms[:3])
        for at in range(len(TASKS))
    )  # fmt: skip
    assert (found.tasks.count, found.tasks.n) == (failed, 24)
    assert found.tasks.interval


def test_several_passes_give_a_noise_floor() -> None:
    found = summarise(result(arm("x", "recorded", 0.5, passes=3)))
    noise = found.arms[0].noise
    assert noise
    assert (noise.tasks, noise.passes, noise.criteria) == (24, 3, 24 * 9)
    assert not any("One judge's pass" in one for one in found.caveats)


def test_what_must_be_said_is_said() -> None:
    base = panel_result()
    marked = (
        base.arms[0]
        .outcomes[0]
        .model_copy(update={"marks": (Mark(rule="awareness", where="answer"),)})
    )
    arms = (base.arms[0].model_copy(update={"outcomes": (marked,)}),)
    weak = Calibration(against="people", tasks=3, verdicts=30, agreement=0.9, kappa=0.8, bias=None)
    changed = base.model_copy(
        update={"served_by_hand": True, "arms": arms, "calibrations": (weak,), "notes": ("N.",)}
    )
    said = " ".join(summarise(changed).caveats)
    for part in ("served by hand", "One judge's pass", "fewer than 20", "1 answers carry", "N."):
        assert part in said
    assert "not calibrated" in " ".join(summarise(base).caveats)


def test_the_same_result_gives_the_same_figures() -> None:
    assert summarise(panel_result()) == summarise(panel_result())
