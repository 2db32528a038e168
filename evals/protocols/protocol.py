"""A judge protocol: what a judge is sent, in which units, how often, and how it is read."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from langgraph_fusion.evals.records import Criterion, ProtocolRef, Task
from langgraph_fusion.evals.scoring import LostRule
from langgraph_fusion.models.providers import ReasoningEffort

READER = 1
"""Version of `verdict_text`; counted up when it reads a reply differently."""


class JudgePrompt(NamedTuple):
    """What one call of a judge is sent."""

    system: str
    user: str


MakePrompt = Callable[[Task, str, Sequence[Criterion]], JudgePrompt]
"""From the task, the answer's text and the criteria of one call."""


@dataclass(frozen=True)
class Protocol:
    """A protocol is changed by making another one under another name."""

    id: str
    description: str
    judge: str
    """The judge's model, unless another one is named."""
    passes: int
    unit: int
    """Criteria in one call."""
    make_prompt: MakePrompt
    temperature: float | None = None
    reasoning_effort: ReasoningEffort | None = None
    response_format: Mapping[str, Any] | None = None
    lost: LostRule = "unscored"
    attempts: int = 3
    """Replies that are asked for until one can be read; then the verdict is lost."""
    max_tokens: int = 4_000
    """Output limit of one call, reasoning included."""

    def with_passes(self, passes: int | None) -> "Protocol":
        """The same protocol with more or fewer passes: their verdicts are shared."""
        return self if passes is None else replace(self, passes=passes)

    def units(self, task: Task) -> Iterator[tuple[Criterion, ...]]:
        """The criteria of each call."""
        for start in range(0, len(task.criteria), self.unit):
            yield task.criteria[start : start + self.unit]

    def ref(self, judge: str) -> ProtocolRef:
        return ProtocolRef(id=self.id, sha256=self.sha256, judge=judge, passes=self.passes)

    @cached_property
    def sha256(self) -> str:
        """Of everything but the judge's model and the number of passes, which keys name apart."""
        how = {
            "id": self.id, "unit": self.unit, "temperature": self.temperature,
            "reasoning_effort": self.reasoning_effort, "format": self.response_format,
            "max_tokens": self.max_tokens, "prompts": self._samples(), "reader": READER,
        }  # fmt: skip
        return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()

    def _samples(self) -> list[JudgePrompt]:
        """The prompts on a made-up task: whatever is changed in them shows."""
        wanted = Criterion(id="c1", section="s", weight=7, requirement="(requirement)")
        fault = Criterion(id="c2", section="s", weight=-7, requirement="(fault)")
        task = Task(id="t", question="(question)", criteria=(wanted, fault), exclude=("(blocked)",))
        if self.unit > 1:
            return [self.make_prompt(task, "(answer)", (wanted, fault))]
        return [self.make_prompt(task, "(answer)", (one,)) for one in (wanted, fault)]
