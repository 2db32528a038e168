"""What `inspect` finds of us: `inspect eval langgraph_fusion/draco -T preset=budget`."""

from langgraph_fusion.evals.inspect_tasks.scorers import expected, recorded_verdicts, rubric
from langgraph_fusion.evals.inspect_tasks.solvers import fusion_arm, recorded_answers
from langgraph_fusion.evals.inspect_tasks.tasks import draco, drb2, own, ramdocs, replay

__all__ = [
    "draco",
    "drb2",
    "expected",
    "fusion_arm",
    "own",
    "ramdocs",
    "recorded_answers",
    "recorded_verdicts",
    "replay",
    "rubric",
]
