"""How the stages of a run share its time and its money.

A stage may use the run's deadline and budget only up to its share, so that a slow or costly panel
leaves enough for the judge and the writer. The shares are ours, not measured; a stage that needs
less leaves the rest to those after it.
"""

from langgraph_fusion.graph.records import Stage

_SHARES: dict[Stage, tuple[float, float]] = {  # first time, after a follow-up round
    "panel": (0.60, 0.60),
    "judge": (0.70, 0.90),
    "follow_up": (0.82, 0.82),
    "synthesizer": (1.0, 1.0),
    "verify": (1.0, 1.0),
    "describe": (0.50, 0.90),  # at the start; for a judge or a writer that turns out to need it
}


def share(stage: Stage, round: int) -> float:
    """Part of the run's limit that may be used up when this stage ends; `round` 0 is the first."""
    return _SHARES[stage][1 if round else 0]
