"""Two stored results side by side: other prompts, another version, or another judge."""

from collections.abc import Iterator
from itertools import product

from langgraph_fusion.evals.calibration import calibrate_arms
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.records import ArmResult, Calibration, Record, StoredResult
from langgraph_fusion.evals.statistics.paired import PairedDifference, compare, correct

FIRST, SECOND = "A", "B"
MOST_PAIRS = 66


class ResultComparison(Record):
    """The first result against the second, arm by arm."""

    first: str
    """When and by which judge it was made."""
    second: str
    warnings: tuple[str, ...]
    """What does not compare, in sentences."""
    differences: tuple[PairedDifference, ...]
    """First minus second, on common tasks; corrected by Holm over all of them."""
    calibrations: tuple[Calibration, ...]
    """Of the first's judge against the second's, where both graded the same texts."""
    only_first: tuple[str, ...]
    """Names of arms that only the first has; empty where no arms have a name in common."""
    only_second: tuple[str, ...]


def compare_results(first: StoredResult, second: StoredResult) -> ResultComparison:
    """Compare arms of the same name; without any, every arm with every other.

    Raises:
        DataRefused: If they are of different data sets.
    """
    if first.dataset.name != second.dataset.name:
        raise DataRefused(
            f"one result is of {first.dataset.name}, the other of {second.dataset.name}: "
            "no task is common"
        )
    pairs = _pairs(first, second)
    same = {one.name for one, _ in pairs} if _common(first, second) else set()
    return ResultComparison(
        first=_described(first),
        second=_described(second),
        warnings=tuple(_warnings(first, second)),
        differences=tuple(
            correct(
                [
                    compare(f"{FIRST}: {one.name}", f"{SECOND}: {other.name}",
                            one.scores, other.scores)
                    for one, other in pairs
                ]
            )
        ),
        calibrations=tuple(_calibrations(pairs, second)),
        only_first=tuple(one.name for one in first.arms if same and one.name not in same),
        only_second=tuple(one.name for one in second.arms if same and one.name not in same),
    )  # fmt: skip


def _common(first: StoredResult, second: StoredResult) -> list[str]:
    return [one.name for one in first.arms if second.arm(one.name) is not None]


def _pairs(first: StoredResult, second: StoredResult) -> list[tuple[ArmResult, ArmResult]]:
    if common := _common(first, second):
        arms = [(first.arm(name), second.arm(name)) for name in common]
        return [(one, other) for one, other in arms if one and other]
    return list(product(first.arms, second.arms))[:MOST_PAIRS]


def _described(result: StoredResult) -> str:
    protocol = result.protocol
    by = f" by {protocol.judge}" if protocol.judge else ""
    return f"{result.created_at}, version {result.version}, protocol {protocol.id}{by}"


def _warnings(first: StoredResult, second: StoredResult) -> Iterator[str]:
    if first.dataset.sha256 != second.dataset.sha256:
        yield "The files of the data set differ: tasks are matched by their ids alone."
    ours, theirs = first.protocol, second.protocol
    if (ours.id, ours.sha256) != (theirs.id, theirs.sha256) or ours.judge != theirs.judge:
        yield (
            "They were graded differently: a difference here is one of judges as much as of "
            "answers. Grade one of them again with `fusion eval grade`."
        )
    elif ours.passes != theirs.passes:
        yield f"One was graded in {ours.passes} passes, the other in {theirs.passes}."
    if first.served_by_hand or second.served_by_hand:
        yield "Models were served by hand: who answered may differ between the two."
    for name, result in ((FIRST, first), (SECOND, second)):
        short = [one.name for one in result.arms if one.coverage < 1]
        if short:
            yield f"{name}: verdicts are missing in {', '.join(short)}."


def _calibrations(
    pairs: list[tuple[ArmResult, ArmResult]], second: StoredResult
) -> Iterator[Calibration]:
    for one, other in pairs:
        if one.kind == "oracle":
            continue
        try:
            yield calibrate_arms(one, other, f"{second.protocol.judge}, {other.name}")
        except ValueError:
            continue  # no text that both graded
