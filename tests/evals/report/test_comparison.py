"""Two results: what differs between them, and what does not compare."""

import pytest

from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.records import StoredResult
from langgraph_fusion.evals.report.comparison import compare_results
from tests.evals.report.invented import arm, panel_result, result, scored


def test_arms_of_one_name_are_compared_on_common_tasks() -> None:
    before = result(scored("panel", {"a": 50, "b": 60, "c": 1}), scored("old", {"a": 1}))
    after = result(scored("panel", {"a": 55, "b": 63}), scored("new", {"a": 1}))
    found = compare_results(after, before)
    (one,) = found.differences
    assert (one.first, one.second) == ("A: panel", "B: panel")
    assert (one.difference.mean, one.difference.n, one.only_second) == (4, 2, 1)
    assert (found.only_first, found.only_second) == (("new",), ("old",))
    assert found.warnings == ()


def test_without_a_common_name_every_arm_is_compared_with_every_other() -> None:
    ours = result(scored("x", {"a": 1}), scored("y", {"a": 2}))
    found = compare_results(ours, result(scored("z", {"a": 4})))
    assert [(one.first, one.second) for one in found.differences] == [
        ("A: x", "B: z"),
        ("A: y", "B: z"),
    ]
    assert (found.only_first, found.only_second) == ((), ())


def _graded_by(found: StoredResult, judge: str) -> StoredResult:
    return found.model_copy(update={"protocol": found.protocol.model_copy(update={"judge": judge})})


def test_two_judges_of_the_same_texts_are_compared() -> None:
    first = result(arm("x", "recorded", 0.5))
    other = arm("y", "recorded", 0.8).model_copy(update={"name": "x"})
    found = compare_results(first, _graded_by(result(other), "other/judge"))
    (one,) = found.calibrations
    assert (one.against, one.tasks, one.verdicts) == ("other/judge, x", 24, 24 * 9)
    assert one.bias == pytest.approx(found.differences[0].difference.mean)
    assert "graded differently" in found.warnings[0]


def test_other_files_other_passes_and_missing_verdicts_are_said() -> None:
    base = panel_result()
    other = base.model_copy(
        update={
            "dataset": base.dataset.model_copy(update={"sha256": "9" * 64}),
            "protocol": base.protocol.model_copy(update={"passes": 3}),
            "served_by_hand": True,
            "arms": (
                base.arms[0].model_copy(
                    update={"outcomes": (base.arms[0].outcomes[0].model_copy(update={"due": 99}),)}
                ),
            ),
        }
    )
    said = " ".join(compare_results(base, other).warnings)
    for part in ("files of the data set differ", "in 1 passes, the other in 3", "by hand",
                 "B: verdicts are missing in solo A"):  # fmt: skip
        assert part in said


def test_different_data_sets_are_refused() -> None:
    base = panel_result()
    other = base.model_copy(
        update={"dataset": base.dataset.model_copy(update={"name": "elsewhere"})}
    )
    with pytest.raises(DataRefused, match="elsewhere"):
        compare_results(base, other)
