"""Give judge and writer less evidence when the prompt does not fit their model."""

from collections.abc import Callable, Sequence

from langchain_core.messages import BaseMessage

from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.judging.evidence import LIMITS_IN_STEPS, EvidenceLimits
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef


class ShrinkablePrompt:
    """A prompt, made again with less evidence each time a model says that it is too long."""

    def __init__(
        self,
        run: Run,
        seat: str,
        make: Callable[[EvidenceLimits], list[BaseMessage]],
        steps: Sequence[EvidenceLimits] = LIMITS_IN_STEPS,
    ) -> None:
        self._limits, *smaller = steps
        self.messages = make(self._limits)
        """The prompt, and what is appended to it; changed in place."""
        self._run, self._seat, self._make = run, seat, make
        self._smaller = iter(smaller)

    def shrink_on_overflow(self, fault: Fault, ref: ModelRef) -> bool:
        """Shorten the prompt if that is what is wrong with it; False if it cannot be shorter."""
        if fault.reason != "context_too_long":
            return False
        for limits in self._smaller:
            self._limits = limits
            made = self._make(limits)
            saved = _chars(self.messages[: len(made)]) - _chars(made)
            if saved > 0:
                self.messages[: len(made)] = made
                self._note(ref, saved)
                return True
        return False

    def remake(self) -> None:
        """Make it again with as much evidence, when something else about it has changed."""
        made = self._make(self._limits)
        self.messages[: len(made)] = made

    def _note(self, ref: ModelRef, saved: int) -> None:
        tell("context.compacted", seat=self._seat, model=str(ref), results=None, chars=saved)
        self._run.degrade(
            "context_compacted", f"The {self._seat} saw less evidence, to fit the model's context."
        )


def _chars(messages: Sequence[BaseMessage]) -> int:
    return sum(len(message.text) for message in messages)
