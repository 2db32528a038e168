"""What the careful member does with bash: arithmetic of the question, checking quoted numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from langgraph_fusion.models.offline.ranking import Ranked

_RESULT = re.compile(r"result = (\S+)")
_CHECKED = re.compile(r"checked (\d+) of (\d+)")
_MOST_CHARACTERS = 6000

_CHECK = """python3 -c '
import json, sys
pairs = json.load(sys.stdin)
print("checked", sum(number in text for number, text in pairs), "of", len(pairs))
' <<'PASSAGES'
"""


def compute_command(expression: str) -> str:
    """Return the command that prints the value of an expression made of digits and operators."""
    return f'python3 -c \'print("result", "=", round({expression}, 10))\''


def computed(outputs: Sequence[str]) -> str:
    """Return the printed value, or nothing."""
    return next((found.group(1) for each in outputs if (found := _RESULT.search(each))), "")


def quoted_numbers(chosen: Sequence[Ranked], texts: dict[str, str]) -> list[tuple[str, str]]:
    """Pair every number of the chosen sentences with the text of its source."""
    pairs: list[tuple[str, str]] = []
    room = _MOST_CHARACTERS
    for each in chosen:
        passage = texts.get(each.candidate.source, "")
        for number in re.findall(r"\d+(?:[.,]\d+)*", each.candidate.text):
            around = _around(passage, number)
            if (number, around) not in pairs and room > len(around):
                pairs.append((number, around))
                room -= len(around)
    return pairs


def check_command(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the command that counts how many of the numbers stand in their passage.

    The passages travel as one line of ASCII JSON in a quoted here-document: nothing in them is
    expanded or can end it.
    """
    return f"{_CHECK}{json.dumps(pairs)}\nPASSAGES"


def checked(outputs: Sequence[str]) -> tuple[int, int] | None:
    """Return how many numbers of how many the command found, or None if it did not run."""
    for each in outputs:
        found = _CHECKED.search(each)
        if found:
            return int(found.group(1)), int(found.group(2))
    return None


def _around(passage: str, number: str) -> str:
    at = max(passage.find(number), 0)
    return passage[max(at - 120, 0) : at + 120]
