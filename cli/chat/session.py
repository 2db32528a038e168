"""A session of `fusion chat`: a conversation, and who answers its next question at what price.

The first question goes to the panel: there is nothing yet that could answer it. Later ones go to
the writer alone, which has the earlier answers, the judge's findings and the cited sources in front
of it: one call instead of a panel's many. A panel is asked again when the user says so, and what
either costs is said before. Panels that cost nothing, such as the offline one, answer always.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from langgraph_fusion.cli.chat.conversation import Conversation
from langgraph_fusion.cli.display.estimate import cost_range
from langgraph_fusion.cli.display.follow import Events
from langgraph_fusion.cli.display.show_run import show_run
from langgraph_fusion.cli.output import OutputOptions, say, write
from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.chats import ChatHead
from langgraph_fusion.graph.journal.repository import RunRepository, new_id
from langgraph_fusion.graph.preflight.estimate import estimate
from langgraph_fusion.graph.settings import FusionSettings

By = Literal["panel", "direct"]
_TERMINATED = 128 + signal.SIGTERM


@dataclass
class Session:
    """What is open: a conversation, and how its next question is answered."""

    settings: FusionSettings
    given: dict[str, Any]
    runs: RunRepository | None
    output: OutputOptions
    conversation: Conversation
    answers: By | None = None
    """Who answers; None: a panel the first question, the writer alone the later ones."""
    over: bool = False
    terminated: bool = False
    """By SIGTERM, during a run."""
    code: int = 0
    """Of the last question or command that failed."""

    async def ask(self, question: str, by: By | None = None) -> None:
        """Have a question answered; the answer becomes a turn."""
        by = by or self.next_by
        if not self.output.quiet:
            say(self._before(by))
        settings, results = self._settings(by), list[dict[str, Any]]()
        steering = Steering()
        events = deliberate(
            self.conversation.messages(question), settings, runs=self.runs, steering=steering
        )
        shown = show_run(
            question, _noting(events, results), self.output, docs=settings.docs, steering=steering
        )
        code = await asyncio.create_task(shown)  # of its own: Ctrl-C cancels it and no more
        _release_signals()
        self.terminated = code == _TERMINATED
        self.over, self.code = self.terminated, code or self.code
        if results:
            await self.conversation.add(question, results[-1])

    @property
    def next_by(self) -> By:
        """Who answers the next question, if nothing is said."""
        if self.answers is not None:
            return self.answers
        free = all(ref.provider == "offline" for ref in self.settings.synthesizer.models)
        return "panel" if free or self.conversation.latest_panel is None else "direct"

    def price(self, by: By) -> str:
        """What the next answer would cost."""
        likely = estimate(self._settings(by), self.conversation.text)
        cost = likely.total.cost_usd
        return cost_range(cost.model_dump() if cost else None)

    def status(self) -> str:
        """Who answers next, and what has been paid: the line below the editor."""
        who = "the writer alone (/panel asks a panel)" if self.next_by == "direct" else "a panel"
        paid = f" · {self.conversation.cost} so far" if self.conversation.calls() else ""
        return f" next: {who}{paid} · /help"

    def tell(self, text: str) -> None:
        """Print what a command gives; where results are printed as JSON, beside them."""
        (say if self.output.as_json else write)(text)

    def with_paths(self, result: Mapping[str, Any], base: Path) -> dict[str, Any]:
        """A result whose links to the user's documents open from `base`, as they do on screen."""
        from langgraph_fusion.cli.display.document_paths import with_document_paths

        return with_document_paths(result, self.settings.docs, base)

    def begin(self) -> None:
        """Begin another conversation."""
        chats = self.runs.chats if self.runs else None
        self.conversation = Conversation(ChatHead(id=new_id(), given=self.given), chats)

    async def stored(self) -> list[ChatHead]:
        """The conversations in the store."""
        if self.runs is None:
            raise ConfigError("no conversations are kept: FUSION_RUNS is `off`; set it to a file")
        return await self.runs.chats.all()

    async def open(self, id: str) -> None:
        """Go on with a stored conversation."""
        await self.stored()
        assert self.runs is not None
        self.conversation = await opened(self.runs, id)
        head = self.conversation.head
        say(f"Conversation {head.id}: {head.title}")
        if self.conversation.turns:
            last = self.conversation.turns[-1]
            self.tell(f"> {last.question}\n\n{last.answer}")

    def _settings(self, by: By) -> FusionSettings:
        return self.settings.changed(mode="direct") if by == "direct" else self.settings

    def _before(self, by: By) -> str:
        """Who answers at what price, and at what price the other would."""
        if by == "panel":
            return f"Asking the panel: {self.price('panel')}."
        dearer = self.price("panel")
        return (
            f"Asking the writer alone: {self.price('direct')}; `/panel …` asks a panel: {dearer}."
        )


async def opened(runs: RunRepository, id: str) -> Conversation:
    """A stored conversation; raises ConfigError if there is none."""
    head = await runs.chats.get(id)
    return Conversation(head, runs.chats, await runs.chats.turns(head.id))


async def _noting(events: Events, results: list[dict[str, Any]]) -> AsyncGenerator[dict[str, Any]]:
    """The events of a run; its result is noted."""
    async with aclosing(events):
        async for event in events:
            if "result" in event:
                results.append(event["result"])
            yield event


def _release_signals() -> None:
    """A run that was stopped leaves its handlers, so that a second Ctrl-C ends a slow clean-up."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.remove_signal_handler(number)
