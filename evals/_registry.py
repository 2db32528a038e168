"""What `inspect` finds of us: `inspect eval langgraph_fusion/draco -T preset=budget`.

Inspect loads this whenever both packages are installed. Without the packages of the extra `eval`
there is nothing to be found, and whoever uses Inspect for something else is not disturbed.
"""

from importlib.util import find_spec

if all(find_spec(name) for name in ("scipy", "statsmodels")):
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
