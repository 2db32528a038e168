"""A stored result with everything that can be worked out about it: figures and losses."""

from collections.abc import Mapping

from langgraph_fusion.evals.losses.loss import TraceOf, arm_losses
from langgraph_fusion.evals.losses.records import ArmLosses
from langgraph_fusion.evals.records import Record, StoredResult, Task
from langgraph_fusion.evals.report.summary import FUSED, Summary, summarise


class Analysed(Record):
    """What `--json` prints: the summary, and where facts were lost."""

    summary: Summary
    losses: tuple[ArmLosses, ...]
    """Empty without the data set: its criteria say what to look for."""

    def without_rubric(self) -> "Analysed":
        """The same without any text of a criterion and without what was found by its words."""
        return self.model_copy(
            update={"losses": tuple(_without_rubric(one) for one in self.losses)}
        )


def analyse(result: StoredResult, tasks: Mapping[str, Task], trace_of: TraceOf) -> Analysed:
    """Work out figures and losses; without tasks there are figures only."""
    arms = {one.name: one for one in result.arms}
    losses = []
    for arm in result.arms:
        members = [arms[name] for name in arm.members if name in arms and name != arm.name]
        if arm.kind in FUSED and members and tasks:
            losses.append(arm_losses(arm, members, tasks, trace_of))
    return Analysed(summary=summarise(result), losses=tuple(losses))


def _without_rubric(found: ArmLosses) -> ArmLosses:
    hidden = {"requirement": "", "criterion": "", "passage": None}
    return found.model_copy(
        update={
            "losses": tuple(one.model_copy(update=hidden) for one in found.losses),
            "behind": tuple(
                task.model_copy(
                    update={"losses": tuple(one.model_copy(update=hidden) for one in task.losses)}
                )
                for task in found.behind
            ),
        }
    )
