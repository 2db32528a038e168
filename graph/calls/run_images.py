"""The images of one run: which models see them, and what the others are told instead.

A model is taken to see them unless its seat, its provider or its own refusal says otherwise. A
model that does not gets one description for all, made by a model that does, or a note that there is
none. `SeatImages` is one seat's view of it: what goes into a request is decided per model, because
a fallback may see less than the model it stands in for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, get_args

from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage

from langgraph_fusion.graph.events import tell
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.prompts.tags import tag
from langgraph_fusion.graph.records import Call, ImageDescription, ImageView
from langgraph_fusion.graph.request.images import Image, has_images, images_in, is_image
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.state import Json
from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.providers import ModelRef

_ORDER = get_args(ImageView)
_MAY_BE_BLIND = (400, 404, 415, 422)
"""Status codes of a refusal that may be about the images although it does not say so."""

Describe = Callable[[], Awaitable["Described"]]


class Described:
    """What became of the description: its text, and the calls that it took."""

    def __init__(
        self,
        description: ImageDescription | None,
        calls: Sequence[Call] = (),
        counted_usd: float = 0.0,
    ) -> None:
        self.description = description
        self.calls = list(calls)
        self.counted_usd = counted_usd
        """What they count towards the spend cap."""


class RunImages:
    """For one run; without images it changes nothing and costs nothing."""

    def __init__(self) -> None:
        self.images: tuple[Image, ...] = ()
        self.description: ImageDescription | None = None
        self.views: dict[str, ImageView] = {}
        """How each seat that has answered took part: the best that one of its models had."""
        self._known: Mapping[ModelRef, bool | None] = {}
        self._blind: set[ModelRef] = set()
        """Models that refused them."""
        self._describe: Describe | None = None
        self._describing: asyncio.Task[Described] | None = None
        self._unclaimed: Described | None = None

    def open(
        self,
        messages: Sequence[AnyMessage],
        known: Mapping[ModelRef, bool | None],
        describe: Describe,
    ) -> None:
        """Take the images of a conversation, and what is known of the models of the run."""
        self.images = images_in(messages)
        self._known, self._describe = known, describe

    def sees(self, seat: ModelSeat, ref: ModelRef) -> bool | None:
        """Whether the model sees them; None if nobody knows, and it is tried."""
        if ref in self._blind:
            return False
        return self._known.get(ref) if seat.sees_images is None else seat.sees_images

    def with_question(self, text: str, messages: Sequence[BaseMessage]) -> HumanMessage:
        """A prompt in one message, with all images of the conversation after its text."""
        blocks = [part for one in messages if has_images(one) for part in one.content]
        images = [block for block in blocks if is_image(block)]
        if not images:
            return HumanMessage(text)
        content: list[Any] = [{"type": "text", "text": text}, *images]
        return HumanMessage(content)

    async def described(self) -> ImageDescription | None:
        """The description, made by the first who asks; None if none could be made."""
        if self.description is None and self._describe is not None:
            if self._describing is None:
                self._describing = asyncio.create_task(self._make(self._describe))
            await asyncio.shield(self._describing)
        return self.description

    async def _make(self, describe: Describe) -> Described:
        self._unclaimed = made = await describe()
        self.description = made.description
        return made

    def claim(self) -> Described | None:
        """What the description took, for the bill of whoever asks first; None if that is done."""
        made, self._unclaimed = self._unclaimed, None
        return made

    def mark_blind(self, ref: ModelRef) -> None:
        self._blind.add(ref)

    def note(self, name: str, view: ImageView) -> None:
        """Record how a seat took part in one call; what it saw before it has seen."""
        before = self.views.get(name, view)
        self.views[name] = max(before, view, key=_ORDER.index)

    def added_by(self, name: str) -> tuple[Json, float]:
        """What a node adds to its update for its seat, and what counts towards the spend cap.

        That is how the seat took part, the description, and, of whoever asks first, its calls.
        """
        if not self.images:
            return {}, 0.0
        view, made = self.views.get(name), self.claim()
        update: Json = {"image_views": {name: view} if view else {}}
        if self.description is not None:
            update["image_description"] = self.description.model_dump(mode="json")
        if made is not None:
            update["bill"] = [call.model_dump(mode="json") for call in made.calls]
        return update, made.counted_usd if made else 0.0

    async def close(self) -> None:
        """Stop a description that nobody waits for any more."""
        if self._describing is not None and not self._describing.done():
            self._describing.cancel()
            await asyncio.gather(self._describing, return_exceptions=True)


class SeatImages:
    """How the models of one seat are sent the images."""

    def __init__(self, run: RunImages, seat: ModelSeat, name: str) -> None:
        self._run = run
        self._seat = seat
        self._name = name
        self.view: ImageView | None = None
        """How its last answer came about; None where there are no images."""

    def sees(self, ref: ModelRef) -> bool:
        return self._run.sees(self._seat, ref) is not False

    async def get_ready(self, ref: ModelRef, left_s: float) -> None:
        """Wait for the description, if this model needs it, for so many seconds."""
        if self._run.images and not self.sees(ref):
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._run.described()

    def shown(self, messages: Sequence[BaseMessage], ref: ModelRef) -> list[BaseMessage]:
        """The messages as this model can read them: numbered images, or words in their place."""
        if not self._run.images:
            return [*messages]
        sees, number, shown = self.sees(ref), 0, list(messages)
        places = [at for at, message in enumerate(messages) if has_images(message)]
        for at in places:
            content: list[Any] = []
            for part in messages[at].content:
                if not is_image(part):
                    content.append(part)
                    continue
                number += 1
                content.append(_text(f"[image {number}]"))
                content += [part] if sees else []
            if at == places[-1]:
                content.append(_text(self._remark(ref)))
            shown[at] = messages[at].model_copy(update={"content": content})
        return shown

    def refused(self, fault: Fault, ref: ModelRef) -> bool:
        """Whether a call may go better without the images, because its fault says so."""
        return fault.reason == "images_unsupported" and self._give_words(ref)

    def may_have_refused(self, fault: Fault, ref: ModelRef) -> bool:
        """The same for a refusal that does not say why, once nothing else helps."""
        vague = fault.reason == "upstream_error" and fault.status_code in _MAY_BE_BLIND
        return vague and self._give_words(ref)

    def answered(self, ref: ModelRef) -> None:
        """Record how the seat took part in a call that was answered."""
        if self._run.images:
            told: ImageView = "described" if self._run.description else "unseen"
            self.took_part("seen" if self.sees(ref) else told)

    def took_part(self, view: ImageView) -> None:
        """Record it, also of a reply of an earlier process."""
        self.view = view
        self._run.note(self._name, view)

    def resumed(self, view: ImageView, ref: ModelRef) -> None:
        """Go on as an earlier process did with this model."""
        if view != "seen":
            self._run.mark_blind(ref)
        self.took_part(view)

    def _give_words(self, ref: ModelRef) -> bool:
        if not self._run.images or not self.sees(ref):
            return False
        self._run.mark_blind(ref)
        tell("model.without_images", seat=self._name, model=str(ref))
        return True

    def _remark(self, ref: ModelRef) -> str:
        if self.sees(ref):
            return prompt("images_seen")
        known = self._run.description
        if known is None:
            return prompt("images_unseen")
        described = tag("image_description", known.text, by=known.model)
        return f"{prompt('images_described')}\n\n{described}"


class DescriberImages(SeatImages):
    """Of the seat that describes: a model that refuses is given no words, there are none yet."""

    async def get_ready(self, ref: ModelRef, left_s: float) -> None:
        return None

    def answered(self, ref: ModelRef) -> None:
        return None

    def resumed(self, view: ImageView, ref: ModelRef) -> None:
        return None

    def _give_words(self, ref: ModelRef) -> bool:
        super()._give_words(ref)
        return False


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def no_images(seat: ModelSeat, name: str) -> SeatImages:
    """The view of a seat in work that has none."""
    return SeatImages(RunImages(), seat, name)
