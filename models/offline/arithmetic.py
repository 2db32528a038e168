"""The computation a question spells out: `17 * 23`, `15 % of 640`, `the sum of 3, 5 and 9`."""

from __future__ import annotations

import re

_NUMBER = r"\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,15})?"
_OPERATION = re.compile(
    rf"(?<![\w.,/(-])\(*{_NUMBER}"
    rf"(?:\)*\s*(?:\*\*|[*\u00d7÷^+]|(?<=\s)[-/x](?=\s))\s*\(*{_NUMBER})+\)*(?![\w/-])"
)
_PERCENT_OF = re.compile(
    rf"(?<![\w.,])({_NUMBER})\s*(?:%|percent|per cent)\s+of\s+({_NUMBER})", re.I
)
_SERIES = re.compile(
    rf"\b(sum|total|average|mean)\s+of\s+({_NUMBER}(?:(?:\s*,\s+|\s*,?\s+and\s+){_NUMBER})+)", re.I
)
_MOST_POWER = 64


def arithmetic(question: str) -> str:
    """Return the Python expression to compute, digits and operators only, or nothing."""
    share = _PERCENT_OF.search(question)
    if share:
        return f"{_bare(share.group(1))} * {_bare(share.group(2))} / 100"
    series = _SERIES.search(question)
    if series:
        numbers = [_bare(number) for number in re.findall(_NUMBER, series.group(2))]
        total = " + ".join(numbers)
        whole = series.group(1).lower() in {"sum", "total"}
        return total if whole else f"({total}) / {len(numbers)}"
    found = _OPERATION.search(question)
    return _python(found.group()) if found else ""


def without_arithmetic(question: str) -> str:
    """Return what else the question asks, or the question if it asks nothing else."""
    rest = question
    for pattern in (_PERCENT_OF, _SERIES, _OPERATION):
        rest = pattern.sub(" ", rest)
    return rest if rest.strip(" ?.!") else question


def _bare(number: str) -> str:
    return number.replace(",", "")


def _python(expression: str) -> str:
    """Spell the operators as Python does; unbalanced or enormous expressions are refused."""
    written = expression.replace(",", "").replace("\u00d7", "*").replace("÷", "/")
    written = re.sub(r"(?<=\s)x(?=\s)", "*", written.replace("^", "**"))
    powers = [float(power) for power in re.findall(r"\*\*\s*\(*([\d.]+)", written)]
    balanced = written.count("(") == written.count(")")
    if not balanced or len(powers) > 1 or any(power > _MOST_POWER for power in powers):
        return ""
    return written
