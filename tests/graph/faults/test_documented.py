"""The documentation names the faults of the suite, no more and no fewer."""

import re
from pathlib import Path

from tests.graph.faults.repairs import REPAIRS
from tests.graph.faults.table import FAULTS, Fault

PAGE = (Path(__file__).parents[3] / "docs" / "reliability.md").read_text(encoding="utf-8")
BILLED = {"free": "free", "known": "as billed", "unknown": "unknown"}


def rows(heading: str) -> dict[str, list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [
        re.split(r"\s*\|\s*", line.strip("| ")) for line in section.splitlines() if "|" in line
    ]
    return {name: rest for name, *rest in cells[2:]}


def test_every_fault_is_documented_with_its_reason_and_its_price() -> None:
    told = {
        name: (reason.strip("`"), billed) for name, (_, reason, billed) in rows("Faults").items()
    }
    assert told == {fault.name: (fault.reason, _billed(fault)) for fault in FAULTS}


def test_every_repair_is_documented_with_what_the_result_says() -> None:
    told = rows("Repairs")
    assert list(told) == [repair.name for repair in REPAIRS]
    for repair in REPAIRS:
        said = told[repair.name][1]
        assert ("tool_errors" in said) == bool(repair.tool_errors and not repair.cut_short)
        assert ("without_tools" in said) == repair.without_tools


def test_three_calls_are_promised_where_three_are_made() -> None:
    for fault in FAULTS:
        does = rows("Faults")[fault.name][0]
        same = "as a 429" in does
        assert same or ("three calls" in does) == (fault.attempts == 3 and fault.hedge_s is None), (
            fault.name
        )


def _billed(fault: Fault) -> str:
    return "both; the cancelled one unknown" if fault.hedge_s else BILLED[fault.cost]
