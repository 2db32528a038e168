"""The dates and figures of a sentence, with what they measure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from langgraph_fusion.models.offline.text import stem, topical_words

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*\.?"
_DATE = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})\s+(?P<m1>{_MONTH})\s+(?P<y1>\d{{4}})"
    rf"|(?P<m2>{_MONTH})\s+(?:(?P<d2>\d{{1,2}})\s?,?\s+)?(?P<y2>\d{{4}})"
    rf"|(?P<y3>\d{{4}})-(?P<m3>\d\d)-(?P<d3>\d\d))\b",
    re.I,
)
FIGURE = re.compile(
    r"(?<![\w.§#/:-])(?P<money>[$€£¥]\s?)?(?P<digits>\d[\d,]*(?:\.\d+)?)"
    r"(?P<after>\s?(?:%|[^\W\d_]+))?(?![\d:/]|\.\d|-\d|[^\W\d_])"
)
_SCALES = {
    "ms": ("second", 0.001), "s": ("second", 1), "second": ("second", 1), "min": ("second", 60),
    "minut": ("second", 60), "h": ("second", 3600), "hour": ("second", 3600),
    "day": ("second", 86400), "kb": ("byte", 1e3), "mb": ("byte", 1e6), "gb": ("byte", 1e9),
    "percent": ("%", 1), "%": ("%", 1), "km": ("metr", 1000), "m": ("metr", 1),
    "kg": ("gram", 1e3), "tonn": ("gram", 1e6), "t": ("gram", 1e6), "g": ("gram", 1),
    "euro": ("€", 1), "eur": ("€", 1), "dollar": ("$", 1), "pound": ("£", 1),
}  # fmt: skip
_MULTIPLES = {"thousand": 1e3, "million": 1e6, "billion": 1e9}


@dataclass(frozen=True)
class Quantity:
    value: float
    """In the base unit; of a date its ordinal."""
    measure: str
    """A unit, `date`, `year`, the stem of the counted noun, or nothing."""
    precision: float = 0.0
    """Half of the last digit written; of a date the days it leaves open."""

    def is_same(self, other: Quantity) -> bool:
        """Tell whether they agree as far as the coarser one was written."""
        alike = self.precision == other.precision
        slack = 0.0 if alike else max(self.precision, other.precision)
        return math.isclose(self.value, other.value, rel_tol=1e-6, abs_tol=slack)


@lru_cache(maxsize=1 << 14)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Return the dates and figures of a sentence, without ids, times and section numbers."""
    rest = _DATE.sub(lambda found: " " * len(found.group()), text)
    dates = [
        Quantity(day.toordinal(), "date", 0 if known else 31)
        for day, known in map(_day, _DATE.finditer(text))
    ]
    return (*dates, *map(_quantity, FIGURE.finditer(rest)))


def first_date(text: str) -> date | None:
    """Return the first date that names a day."""
    days = (_day(found) for found in _DATE.finditer(text))
    return next((day for day, known in days if known), None)


def without_dates(text: str) -> str:
    return _DATE.sub(" ", text)


def in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _day(found: re.Match[str]) -> tuple[date, bool]:
    """Return the day, and whether it is named: else it is the middle of the month."""
    year, month, day = (
        next((found[f"{name}{n}"] for n in (1, 2, 3) if found[f"{name}{n}"]), "") for name in "ymd"
    )
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    try:
        return date(int(year), number, int(day or 15)), bool(day)
    except ValueError:
        return date(max(int(year), 1), 1, 1), False


def _quantity(found: re.Match[str]) -> Quantity:
    digits, word = found["digits"].replace(",", ""), (found["after"] or "").strip()
    factor = _MULTIPLES.get(word.lower(), 1.0)
    unit, scale = _SCALES.get(word.lower()) or _SCALES.get(stem(word or "-"), ("", 1.0))
    if found["money"]:
        unit, scale = found["money"].strip(), factor
    elif not unit and digits.isdigit() and 1000 <= int(digits) <= 2100 and not word.endswith("s"):
        return Quantity(float(digits), "year")
    elif not unit:
        unit, scale = "".join(map(stem, topical_words(word))) if factor == 1 else "", factor
    precision = 0.5 * 10.0 ** -len(digits.partition(".")[2]) * scale
    return Quantity(float(digits[:15]) * scale, unit, precision)
