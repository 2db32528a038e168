"""Give judge and writer less evidence when the prompt does not fit their model."""

from collections.abc import Callable, Sequence

from langchain_core.messages import BaseMessage

from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.judging.evidence import ROOMS, EvidenceLimits
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef


class ShrinkablePrompt:
    """A prompt, made again with less evidence each time a model says that it is too long."""

    def __init__(
        self, run: Run, seat: str, make: Callable[[EvidenceLimits], list[BaseMessage]]
    ) -> None:
        self._room, *smaller = ROOMS
        self.messages = make(self._room)
        """The prompt, and what a caller appends to it; changed in place."""
        self._run, self._seat, self._make = run, seat, make
        self._smaller = iter(smaller)

    def mend(self, fault: Fault, ref: ModelRef) -> bool:
        """Shorten the prompt if that is what is wrong with it; False if it cannot be shorter."""
        if fault.reason != "context_too_long":
            return False
        for room in self._smaller:
            self._room = room
            made = self._make(room)
            saved = _chars(self.messages[: len(made)]) - _chars(made)
            if saved > 0:
                self.messages[: len(made)] = made
                self._note(ref, saved)
                return True
        return False

    def remake(self) -> None:
        """Make it again with as much evidence, when something else about it has changed."""
        made = self._make(self._room)
        self.messages[: len(made)] = made

    def _note(self, ref: ModelRef, saved: int) -> None:
        tell("context.compacted", seat=self._seat, model=str(ref), results=None, chars=saved)
        self._run.degrade(
            "context_compacted", f"The {self._seat} saw less evidence, to fit the model's context."
        )


def _chars(messages: Sequence[BaseMessage]) -> int:
    return sum(len(message.text) for message in messages)
