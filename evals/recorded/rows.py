"""One recorded row, of whichever harness: verdicts on an answer, or an answer."""

from dataclasses import dataclass, field
from typing import Any

from langgraph_fusion.evals.records import Answer, Verdict


@dataclass(frozen=True)
class RecordedVerdicts:
    """One judged answer."""

    arm: str
    task: str
    verdicts: tuple[Verdict, ...]
    judge: str | None = None
    passes: int = 1
    score: float | None = None
    """What its own harness made of them, 0 to 100."""
    weights: dict[str, float] = field(default_factory=dict)
    """By criterion: to be compared with the rubric's."""
    error: str | None = None
    """Why it was not judged."""
    judge_usd: float | None = None


@dataclass(frozen=True)
class RecordedReport:
    """One answer."""

    arm: str
    task: str
    answer: Answer
    panel: tuple[str, ...] = ()
    """Models of the panel; of a solo run none."""


Recorded = RecordedVerdicts | RecordedReport


def whole(value: Any) -> int | None:
    """A number of tokens, if it is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
