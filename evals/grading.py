"""Grade one answer: by a judge where there is a rubric, by code where answers are expected."""

from dataclasses import dataclass

from langgraph_fusion.evals.expected import expected_score, expected_verdicts
from langgraph_fusion.evals.judge import Judge
from langgraph_fusion.evals.records import Answer, Outcome, ProtocolRef, Task
from langgraph_fusion.evals.scoring import score_task
from langgraph_fusion.evals.store import key_of
from langgraph_fusion.graph.errors import ConfigError

EXPECTED = ProtocolRef(id="expected", sha256=key_of("expected", 1), judge=None, passes=1)
"""Code compares with expected answers; the hash counts up with a change of `expected.py`."""


@dataclass(frozen=True)
class Grader:
    """Gives an outcome to an answer. Without a judge only expected answers can be graded."""

    judge: Judge | None = None

    async def grade(self, task: Task, answer: Answer) -> Outcome:
        """The outcome with its verdicts and its score; an unusable answer has neither."""
        if not answer.usable:
            return Outcome(task=task.id, domain=task.domain, answer=answer)
        if not task.criteria:
            verdicts = expected_verdicts(task, answer.text)
            return Outcome(
                task=task.id,
                domain=task.domain,
                answer=answer,
                verdicts=verdicts,
                due=len(verdicts),
                score=expected_score(verdicts),
                judge_usd=0.0,
            )
        return await self._by_rubric(task, answer)

    async def _by_rubric(self, task: Task, answer: Answer) -> Outcome:
        if self.judge is None:
            raise ConfigError(f"task {task.id} has a rubric and there is no judge; name one")
        judged = await self.judge.grade(task, answer.text)
        protocol = self.judge.protocol
        return Outcome(
            task=task.id,
            domain=task.domain,
            answer=answer,
            verdicts=judged.verdicts,
            due=len(task.criteria) * protocol.passes,
            score=score_task(task, judged.verdicts, protocol.passes, protocol.lost),
            judge_usd=judged.usd,
        )

    @property
    def ref(self) -> ProtocolRef:
        return self.judge.protocol.ref(self.judge.model) if self.judge else EXPECTED
