"""Find out who sees the images of a run, and refuse one in which nobody does."""

from collections.abc import Sequence
from functools import partial

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.errors import IMAGES_UNSEEN, ConfigError
from langgraph_fusion.graph.images.describe import (
    describe,
    nobody_sees,
    restore_description,
    seated,
)
from langgraph_fusion.graph.request.images import image_blocks
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.models.image_input import models_that_read_images


async def open_images(run: Run, messages: Sequence[AnyMessage], question: str) -> None:
    """Give the run the images of its conversation.

    Raises:
        ConfigError: If it is known of every model of the run that it sees none.
    """
    if next(image_blocks(messages), None) is None:
        return
    asked = [seat for _, seat in seated(run) if seat.sees_images is None]
    known = await models_that_read_images(ref for seat in asked for ref in seat.models)
    run.images.open(messages, known, partial(describe, run, question, [*messages]))
    restore_description(run)
    if nobody_sees(run):
        raise _unseen(run)


def _unseen(run: Run) -> ConfigError:
    names = dict.fromkeys(str(ref) for _, seat in seated(run) for ref in seat.models)
    offline = all(ref.provider == "offline" for _, seat in seated(run) for ref in seat.models)
    way_out = (
        "These are programs, no language models: choose another preset"
        if offline
        else "Seat one that does, on the panel, as judge or as writer; if one of them does after "
        "all, say so with `sees_images: true` in its seat"
    )
    return ConfigError(
        f"images are in it, and no model of this run reads images ({', '.join(names)}). {way_out}; "
        "or leave the images out",
        field="messages",
        code=IMAGES_UNSEEN,
        about=tuple(names),
    )
