"""The answer to a reader's question in one sentence."""

from langgraph_fusion.evals.report import words
from langgraph_fusion.evals.report.summary import Summary


def headline(summary: Summary) -> str:
    """The first comparison in words, or the means; refused when verdicts are missing."""
    if not summary.comparisons:
        return _means(summary)
    first = summary.comparisons[0].differences[0]
    mean = words.number(first.difference.mean, "+.1f")
    said = (
        f"{first.first} {words.MINUS} {first.second}: {mean} points "
        f"{words.interval(first.difference.t, '+.1f')}, n = {first.difference.n}: "
        f"{words.verdict(first)}."
    )
    whole = all(summary.arm(name).complete for name in (first.first, first.second))
    return said if whole else f"No headline: verdicts are missing (see below). As it stands: {said}"


def _means(summary: Summary) -> str:
    return "; ".join(
        f"{one.name} {words.estimate(one.score)}, n = {one.score.n}" for one in summary.arms
    )
