"""Numbers with what they measure, so that only like is compared with like."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from langgraph_fusion.models.offline.words import is_topical, stem

_NUMBER = re.compile(
    r"(?<![\w.§#/:-])(?P<currency>[$€£¥]\s?)?(?P<digits>\d[\d,]*(?:\.\d+)?)"
    r"(?P<after>\s?(?:%|‰|[^\W\d_]+))?(?![\d:/]|\.\d|-\d|[^\W\d_])"
)
_WORDS = (
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_SPELLED = re.compile(rf"\b({'|'.join(_WORDS)})\s+([a-z]{{3,}})\b", re.I)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = re.compile(
    rf"\b(?:\d{{1,2}}\s+{_MONTH}\s+\d{{4}}|{_MONTH}\s+\d{{1,2}}\s?,\s*\d{{4}}|\d{{4}}-\d\d-\d\d|"
    rf"{_MONTH}\s+\d{{4}})\b",
    re.I,
)
_BOUND = re.compile(
    r"\b(?:between|up to|at least|at most|more than|less than|fewer than|under|over|minimum|"
    r"maximum)\s(?:\w+\s)?\d|[<>≤≥]\s?\d|\bfrom .{1,12} to \d",
    re.I,
)
_APPROXIMATION = re.compile(
    r"\d\s?(?:[\u2013\u2014-]|to|or|bis)\s?\d|~\s?\d|"
    r"\b(?:about|around|approximately|roughly|nearly)\s\d",
    re.I,
)
_SCALES = {
    "ms": ("second", 0.001), "millisecond": ("second", 0.001), "s": ("second", 1),
    "sec": ("second", 1), "second": ("second", 1), "min": ("second", 60),
    "minute": ("second", 60), "h": ("second", 3600), "hour": ("second", 3600),
    "day": ("second", 86400), "kb": ("byte", 1e3), "mb": ("byte", 1e6), "gb": ("byte", 1e9),
    "tb": ("byte", 1e12), "mib": ("byte", 2**20), "gib": ("byte", 2**30), "percent": ("%", 1),
    "%": ("%", 1), "‰": ("%", 0.1), "km": ("metre", 1000), "m": ("metre", 1),
    "kg": ("gram", 1000), "g": ("gram", 1),
}  # fmt: skip
_MULTIPLES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "k": 1e3}
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_LABEL = re.compile(
    r"(?:\bv|version|python|section|chapter|table|figure|rfc|iso|step)\s*$", re.IGNORECASE
)
_BEFORE = re.compile(r"([^\W\d_]+)[\s:=]*(?:is|are|was|were|of|to|in|at|by)?[\s:=]*$")


@dataclass(frozen=True)
class Quantity:
    value: float | str
    """In the base unit; a full date is its normalised text."""
    measure: str
    """`second`, `%`, `$`, `date`, `year`, the counted noun, or the word before a bare number."""
    digits: str
    precision: float = 0.0
    """Half of the last digit written."""


def quantities(text: str) -> list[Quantity]:
    """Return what is measured in the text, without versions, ids, section numbers, ordinals."""
    dates = [
        Quantity(_date_key(found.group()), "date", found.group()) for found in _DATE.finditer(text)
    ]
    rest = _DATE.sub(lambda found: " " * len(found.group()), text)
    numbers = [_quantity(rest, found) for found in _NUMBER.finditer(rest)]
    spelled = [
        Quantity(2.0 + _WORDS.index(word.lower()), stem(noun), word)
        for word, noun in _SPELLED.findall(rest)
        if is_topical(noun)
    ]
    return dates + [each for each in numbers if each] + spelled


def without_dates(text: str) -> str:
    """Blank the dates, whose month would pass for a name."""
    return _DATE.sub(" ", text)


def bounded(text: str) -> bool:
    """Tell whether a number in the text is a bound or one end of a range."""
    return bool(_BOUND.search(text))


def hedged(text: str) -> bool:
    """Tell whether the text gives a range, a bound or an approximation."""
    return bounded(text) or bool(_APPROXIMATION.search(text))


def same_value(left: Quantity, right: Quantity) -> bool:
    """Tell whether two values agree as far as the coarser one was written."""
    if isinstance(left.value, str) or isinstance(right.value, str):
        return _same_date(str(left.value), str(right.value))
    written_alike = math.isclose(left.precision, right.precision)
    slack = 0.0 if written_alike else max(left.precision, right.precision)
    return math.isclose(left.value, right.value, rel_tol=1e-6, abs_tol=slack)


def _quantity(text: str, found: re.Match[str]) -> Quantity | None:
    written = found["digits"].rstrip(",")
    plain = written.replace(",", "")
    word = (found["after"] or "").strip()
    label = text[max(0, found.start() - 12) : found.start()]
    if len(plain) > 15 or word.lower() in _ORDINALS or _LABEL.search(label):
        return None
    value, precision = float(plain), _precision(plain)
    if word.lower() in _MULTIPLES:
        factor = _MULTIPLES[word.lower()]
        value, precision, word = value * factor, precision * factor, ""
    if found["currency"]:
        return Quantity(value, found["currency"].strip(), written, precision)
    if word and (word in _SCALES or stem(word) in _SCALES):
        unit, factor = _SCALES.get(word) or _SCALES[stem(word)]
        return Quantity(value * factor, unit, written, precision * factor)
    if plain.isdigit() and "," not in written and 1000 <= value <= 2100 and not _counts(word):
        return Quantity(value, "year", written)
    return Quantity(value, _noun(text, found, word), written, precision)


def _counts(word: str) -> bool:
    return bool(word) and word.endswith("s") and is_topical(word)


def _noun(text: str, found: re.Match[str], word: str) -> str:
    if word and is_topical(word):
        return stem(word)
    before = _BEFORE.search(text[max(0, found.start() - 40) : found.start()])
    return f"~{stem(before.group(1))}" if before else "~"


def _precision(plain: str) -> float:
    return 0.5 * 10.0 ** -len(plain.partition(".")[2])


def _date_key(date: str) -> str:
    iso = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", date)
    if iso:
        return f"{iso[1]}-{_month_name(int(iso[2]))}-{int(iso[3])}"
    numbers = re.findall(r"\d+", date)
    month = re.search(r"[a-z]{3}", date.lower())
    day = f"-{int(min(numbers, key=len))}" if len(numbers) > 1 else ""
    return f"{max(numbers, key=len)}-{month.group() if month else ''}{day}"


def _month_name(number: int) -> str:
    names = "janfebmaraprmayjunjulaugsepoctnovdec"
    return names[3 * ((number - 1) % 12) :][:3]


def _same_date(left: str, right: str) -> bool:
    return left == right or left.startswith(f"{right}-") or right.startswith(f"{left}-")
