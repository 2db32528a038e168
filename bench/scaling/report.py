"""What an experiment found, a line for each figure, and what it should have been."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.scaling.accounts import Accounts


@dataclass(frozen=True)
class Row:
    """One figure."""

    figure: str
    measured: str
    target: str = ""
    met: bool | None = None
    """None where there is nothing to meet."""


def none(figure: str, number: int, of: str = "") -> Row:
    """A figure that should be nothing."""
    return Row(figure, f"{number}{of and f' of {of}'}", "0", number == 0)


def all_of(figure: str, number: int, of: int) -> Row:
    """A figure that should be everything."""
    return Row(figure, f"{number} of {of}", "all", number == of)


def account_rows(sum_: Accounts) -> list[Row]:
    """What every experiment in which processes die is asked."""
    paid = f"{sum_.calls} replies"
    flight = f"{sum_.in_flight_twice} (${sum_.in_flight_usd:.6f})"
    return [
        none("runs lost", sum_.lost, str(sum_.runs)),
        none("journaled replies paid twice", sum_.journaled_twice, paid),
        Row("replies in flight, paid twice", flight, "counted apart"),
        Row("calls cut off before their reply", str(sum_.cut_off), "counted apart"),
        none("bills that differ from what was paid, without those in flight", sum_.wrong_bills),
        none("bills that do not say that a call in flight is missing", sum_.silent_bills),
        Row(
            "paid = billed + in flight",
            f"${sum_.paid_usd:.6f} = ${sum_.billed_usd:.6f} + ${sum_.in_flight_usd:.6f}",
            "equal",
            abs(sum_.paid_usd - sum_.billed_usd - sum_.in_flight_usd) < 1e-6,
        ),
    ]


def spread(seconds: Sequence[float]) -> str:
    """Median and longest."""
    if not seconds:
        return "none"
    return f"{median(seconds):.1f} s, at most {max(seconds):.1f} s (n={len(seconds)})"
