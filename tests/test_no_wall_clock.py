"""No test asserts how long something took: a busy machine would fail it. `bench/` measures speed.

A loop that waits for something may give up after a while; that is no claim about speed.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
CLOCKS = {"loop.time"} | {
    f"time.{name}"
    for name in ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "time")
}
"""CPU time, which other processes do not change, is none of them."""


def _reads_a_clock(node: ast.AST, timed: set[str]) -> bool:
    """Whether an expression is computed from a clock, or from a name in `timed`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and ast.unparse(part.func) in CLOCKS:
            return True
        if isinstance(part, ast.Name) and part.id in timed:
            return True
    return False


def _is_a_duration(node: ast.expr, timed: set[str]) -> bool:
    """The difference of two readings of a clock, or a result's own `seconds`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return _reads_a_clock(node, timed)
    if isinstance(node, ast.Name):
        return node.id in timed
    return isinstance(node, ast.Attribute) and node.attr == "seconds"


def _timed_names(function: ast.AST) -> set[str]:
    """Names that hold a duration: `took = time.monotonic() - began`."""
    timed: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _is_a_duration(node.value, timed):
            timed |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return timed


def _claims(tree: ast.AST) -> Iterator[int]:
    """Lines of asserts that hold a duration against a limit, or a clock outside a waiting loop."""
    waiting = {
        id(inner)
        for loop in ast.walk(tree)
        if isinstance(loop, ast.While)
        for inner in ast.walk(loop)
    }
    timed = _timed_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assert) or id(node) in waiting:
            continue
        for compare in ast.walk(node.test):
            if not isinstance(compare, ast.Compare) or _only_equality(compare):
                continue
            sides = [compare.left, *compare.comparators]
            if any(_is_a_duration(side, timed) or _reads_a_clock(side, timed) for side in sides):
                yield node.lineno


def _only_equality(compare: ast.Compare) -> bool:
    return all(isinstance(one, ast.Eq | ast.NotEq | ast.Is | ast.In) for one in compare.ops)


def test_no_test_asserts_how_long_something_took() -> None:
    found = [
        f"tests/{path.relative_to(TESTS)}:{line}"
        for path in sorted(TESTS.rglob("*.py"))
        for line in _claims(ast.parse(path.read_text()))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "assert time.monotonic() - began < 5",
        "assert 5 > time.perf_counter() - began",
        "took = time.time() - began\nassert took <= limit",
        "assert loop.time() - began < 5",
        "assert fused.result.seconds < 5",
        "assert 0.2 <= time.monotonic() - server.requests[0].at",
        "assert time.monotonic() < end",
    ],
)
def test_a_claim_about_time_is_found(code: str) -> None:
    assert list(_claims(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "while not path.exists():\n    assert time.monotonic() < end, 'never came'\n",
        "began = time.monotonic()\nassert began is not None",
        "assert holding_off.seconds(other) > 60",
        "assert result.seconds == 0",
    ],
)
def test_what_claims_nothing_about_speed_is_left_alone(code: str) -> None:
    assert list(_claims(ast.parse(code))) == []
