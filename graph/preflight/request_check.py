"""Validate a request before anything is opened or any model called."""

from collections.abc import Sequence
from typing import cast

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.preflight.least_cap import check_cap
from langgraph_fusion.graph.preflight.open_images import open_images
from langgraph_fusion.graph.preflight.readiness import check_ready, user_prices
from langgraph_fusion.graph.request.client_tools import wrong_results
from langgraph_fusion.graph.request.conversation import before_answering, question_at, transcript
from langgraph_fusion.graph.request.file_blocks import asked_text, sent_files, without_files
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.graph.state import FusionState, Json
from langgraph_fusion.models.text import well_formed

NO_QUESTION = "the last one must be a user message with text in it"


async def check_request(
    messages: Sequence[AnyMessage], settings: FusionSettings, run_id: str
) -> FusionSettings:
    """Return the settings, with local models named, if a run with this id may start with them.

    The images of the messages have been fetched.

    The run checks the same when it starts; a client of a full server would have to wait for that.

    Raises:
        ConfigError: As the run would.
    """
    prices = user_prices()
    settings = await check_ready(settings, prices)
    at = question_place(messages)
    check_documents(settings, with_files=bool(sent_files(messages)))
    state = {"messages": messages, **question_channels(messages, at, run_id)}
    run = Run.unopened(run_id, settings, prices)
    await open_images(run, messages, state["question"])
    check_cap(run, cast("FusionState", state))
    return settings


def question_place(messages: Sequence[AnyMessage]) -> int:
    """Where the question stands: at the end, or before calls of the caller's tools.

    Raises:
        ConfigError: If there is none, the calls after it are not whole, or a message cannot be
            encoded.
    """
    _check_encodes(messages)
    at = question_at(messages)
    if at is None or (at < len(messages) - 1 and messages[-1].type != "tool"):
        raise ConfigError(NO_QUESTION, field="messages")
    if wrong := wrong_results(messages[at + 1 :]):
        raise ConfigError(wrong, field="messages")
    return at


def check_documents(settings: FusionSettings, *, with_files: bool) -> None:
    """Raise ConfigError if the tool `docs` is chosen and there is nothing to search."""
    chosen = set(settings.tools or ()).union(*(seat.tools or () for seat in settings.members))
    if "docs" in chosen and not settings.docs and not with_files:
        raise ConfigError(
            "the tool `docs` is chosen and no folder is named; set docs, or send files",
            field="docs",
        )


def question_channels(messages: Sequence[AnyMessage], at: int, run_id: str) -> Json:
    """The question and the conversation before it, as channels of the state."""
    turns = [without_files(message) for message in before_answering(messages, run_id)]
    return {"question": asked_text(messages[at]), "conversation": transcript(turns)}


def _check_encodes(messages: Sequence[AnyMessage]) -> None:
    for number, message in enumerate(messages, start=1):
        if message.content != well_formed(message.content):
            raise ConfigError(
                f"number {number} holds bytes that are no UTF-8, or half a character",
                field="messages",
            )
