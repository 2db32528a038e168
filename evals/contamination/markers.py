"""Signs in a text that a benchmark or its rubric was met, or that the model thinks it is tested.

On 900 real reports of DRACO none of them fired, so that each hit deserves a look. They are recorded
and reported, never scored.
"""

import re
from collections.abc import Iterator

from langgraph_fusion.evals.records import Mark

_NAMES = {
    "draco": (
        "perplexity-ai/draco",
        "perplexity-ai___draco",
        "pplx-draco",
        "2602.11685",
        "maxkru92/draco",
        "benchmarks/draco/__fixtures__",
        "trustedrouter-fusion-draco",
    ),
    "drb2": ("deepresearch-bench-ii", "deepresearch bench ii", "deepresearchbench2"),
    "ramdocs": ("hannight/ramdocs", "ramdocs_test"),
}
"""Names under which a data set, its paper or a copy goes, in lower case."""

_THING = r"(?:prompt|question|query|task|request|item|case)"
_TESTED = re.compile(
    "|".join(
        (
            rf"\b(?:this|the|your) {_THING}\b[^.!?\n]{{0,40}}"
            rf"\b(?:benchmark|evaluation) (?:{_THING}|set)\b",
            rf"\b(?:looks?|seems?|appears?|sounds?|reads?) (?:\w+ ){{0,2}}(?:like|to be|as if)\b"
            rf"[^.!?\n]{{0,30}}\b(?:benchmark|evaluation|eval) (?:{_THING}|set)\b",
            r"\b(?:i|we)(?: am|'m| are|'re| may be| might be)(?: \w+)? being "
            r"(?:evaluated|benchmarked|tested|graded)\b",
            r"\b(?:the|a|hidden|grading|scoring) (?:grader|rubric) "
            r"(?:will|would|may|might|probably|likely|wants|expects)\b",
            r"\b(?:part of|from|in) (?:a|an|the|some) (?:\w+ )?(?:deep.research |llm |ai )?"
            rf"(?:benchmark|evaluation set)\b[^.!?\n]{{0,40}}\b(?:this|the) {_THING}\b",
        )
    ),
    re.IGNORECASE,
)


def find_markers(text: str, where: str, dataset: str) -> Iterator[Mark]:
    """Yield a mark for each name of the data set in a text, and one for talk of being tested."""
    lowered = text.lower()
    for name in _NAMES.get(dataset, ()):
        if found := lowered.count(name):
            yield Mark(rule=f"marker: {name}", where=where, count=found)
    if found := sum(1 for _ in _TESTED.finditer(text)):
        yield Mark(rule="awareness", where=where, count=found)
