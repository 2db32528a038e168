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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from langgraph_fusion.cli.chat.attachments import NONE, at_hand, file_named, image_named
from langgraph_fusion.cli.chat.conversation import Conversation
from langgraph_fusion.cli.chat.interrupts import Interrupts
from langgraph_fusion.cli.display.estimate import cost_range
from langgraph_fusion.cli.display.follow import Events
from langgraph_fusion.cli.display.show_run import show_run
from langgraph_fusion.cli.output import OutputOptions, say, write
from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import IMAGES_UNSEEN, ConfigError
from langgraph_fusion.graph.journal.chats import ChatHead
from langgraph_fusion.graph.journal.repository import RunRepository, new_id
from langgraph_fusion.graph.preflight.estimate import estimate
from langgraph_fusion.graph.preflight.read_files import inlined_chars
from langgraph_fusion.graph.request.images import image_blocks
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.graph.wording import count
from langgraph_fusion.models.text import one_line

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
    files: list[str] = field(default_factory=list)
    """Whole paths of the files that this question and later ones are asked with."""
    interrupts: Interrupts = field(default_factory=Interrupts)
    images: list[str] = field(default_factory=list)
    """Paths or addresses of the images that go with the next question."""

    def __post_init__(self) -> None:
        self._take_up(self.conversation)

    async def ask(self, question: str, by: By | None = None) -> None:
        """Have a question answered; the answer becomes a turn."""
        by = by or self.next_by
        self._leave_out_what_is_gone()
        if not self.output.quiet:
            say(await asyncio.to_thread(self._before, by))
        settings, results = self._settings(by), list[dict[str, Any]]()
        steering = Steering()
        events = self._events(question, settings, steering)
        shown = show_run(
            question, _noting(events, results), self.output, docs=settings.docs, steering=steering
        )
        code = await asyncio.create_task(shown)  # of its own: Ctrl-C cancels it and no more
        self.interrupts.listen()
        _release_sigterm()
        self.terminated = code == _TERMINATED
        self.over, self.code = self.terminated, code or self.code
        if results:
            given = {"files": self.files, "images": self.images}
            await self.conversation.add(question, results[-1], **given)
            self.images = []

    @property
    def next_by(self) -> By:
        """Who answers the next question, if nothing is said."""
        if self.answers is not None:
            return self.answers
        free = all(ref.provider == "offline" for ref in self.settings.synthesizer.models)
        return "panel" if free or self.conversation.latest_panel is None else "direct"

    def price(self, by: By) -> str:
        """What the next answer would cost."""
        messages = self.conversation.messages("", self.images)
        text = "\n".join(str(message.text) for message in messages)
        images = [*image_blocks(messages)]
        chars = inlined_chars([Path(one) for one in self.files])
        likely = estimate(self._settings(by), text, images, chars)
        cost = likely.total.cost_usd
        return cost_range(cost.model_dump() if cost else None)

    def status(self, columns: int) -> str:
        """Who answers next, with what, and what has been paid: the longest line that fits."""
        panel = self.next_by == "panel"
        paid = f" · {self.conversation.cost}" if self.conversation.calls() else ""
        names = [one_line(Path(one).name) for one in (*self.files, *self.images)]
        given = f" · with {', '.join(names)}" if names else ""
        number = f" · {count(len(names), 'file')}" if names else ""
        who = "a panel" if panel else "the writer alone"
        whose = who if panel else f"{who} (/panel asks a panel)"
        short = "panel" if panel else "writer"
        lines = (
            f" next: {whose}{given}{paid and f'{paid} so far'} · /help",
            f" next: {who}{number}{paid and f'{paid} so far'} · /help",
            f" next: {short}{number}{paid} · /help",
            f" {short}{paid}",
            f" {short}",
        )
        return next((line for line in lines if len(line) < columns), "")

    def attach_file(self, typed: str) -> None:
        """Ask the next questions with a file, or with none; raises ConfigError if it is not one."""
        if typed == NONE:
            self.files = []
            say("No file is given any more.")
            return
        path = file_named(typed, self.files)
        if path not in self.files:
            self.files.append(path)
        say(f"{one_line(Path(path).name)} goes with the next question and later ones.")

    def attach_image(self, typed: str) -> None:
        """Ask the next question with an image, or with none; raises ConfigError if it is none."""
        if typed == NONE:
            self.images = []
            say("The next question has no image.")
            return
        name = image_named(typed)
        if name not in self.images:
            self.images.append(name)
        say(f"{one_line(Path(name).name)[:80]} goes with the next question.")

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
        self._take_up(Conversation(ChatHead(id=new_id(), given=self.given), chats))

    async def stored(self) -> list[ChatHead]:
        """The conversations in the store."""
        if self.runs is None:
            raise ConfigError("no conversations are kept: FUSION_RUNS is `off`; set it to a file")
        return await self.runs.chats.all()

    async def open(self, id: str) -> None:
        """Go on with a stored conversation."""
        await self.stored()
        assert self.runs is not None
        self._take_up(await opened(self.runs, id))
        head = self.conversation.head
        say(f"Conversation {head.id}: {head.title}")
        if self.conversation.turns:
            last = self.conversation.turns[-1]
            self.tell(f"> {last.question}\n\n{last.answer}")

    def _take_up(self, conversation: Conversation) -> None:
        """Go on with a conversation, with the files that it had at hand."""
        self.conversation = conversation
        self.files, self.images = [*conversation.files], []

    async def _events(
        self, question: str, settings: FusionSettings, steering: Steering
    ) -> AsyncGenerator[dict[str, Any]]:
        """Of a run with earlier images too, unless no model of it would see them."""
        given: dict[str, Any] = {"files": self.files, "runs": self.runs, "steering": steering}
        try:
            messages = self.conversation.messages(question, self.images)
            async with aclosing(deliberate(messages, settings, **given)) as events:
                async for event in events:
                    yield event
        except ConfigError as error:
            if error.code != IMAGES_UNSEEN or self.images or not self.conversation.has_images:
                raise
            say("None of these models reads images: the earlier ones are left out.")
            messages = self.conversation.messages(question, earlier_images=False)
            async with aclosing(deliberate(messages, settings, **given)) as events:
                async for event in events:
                    yield event

    def _leave_out_what_is_gone(self) -> None:
        self.files, gone = at_hand(self.files)
        for name in gone:
            say(f"{name} is gone; the question is asked without it.")

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


def _release_sigterm() -> None:
    """A run that was stopped leaves its handlers, so that a second signal ends a slow clean-up."""
    with suppress(NotImplementedError):
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
