"""A contradiction is resolved by something, or it is not resolved: code holds the judge to that.

After a follow-up round a party's correction is a ground as well, so this is for the first judging.
Opposing recommendations, for which there is no ground in evidence, in the question's facts or in
arithmetic, are contested so, and the writer gives both sides and a choice.
"""

from langgraph_fusion.graph.analysis import Analysis, Contradiction
from langgraph_fusion.graph.judging.judge_schema import Known

UNDECIDED = "Nothing that was shown decides it."


def contest_groundless(analysis: Analysis, known: Known) -> Analysis:
    """The analysis with every contradiction `contested` that is resolved without a ground.

    Evidence is a ground only where a source was shown; a judge that names no ground is taken to
    mean evidence if one of the stances names its source.
    """
    checked = [_checked(one, known) for one in analysis.contradictions]
    return analysis.model_copy(update={"contradictions": checked})


def _checked(one: Contradiction, known: Known) -> Contradiction:
    if one.status != "resolved":
        return one
    cites = any(stance.sources for stance in one.stances)
    ground = one.resolved_by or ("evidence" if cites else None)
    if ground is None or (ground == "evidence" and not known.sources):
        said = " ".join(part for part in (one.resolution, UNDECIDED) if part)
        changed = {"status": "contested", "resolved_by": None, "resolution": said}
        return one.model_copy(update=changed)
    return one.model_copy(update={"resolved_by": ground})
