"""The Python API: ask a question, follow the run, get the result."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.build import create_fusion
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.asked_images import ImageSource, question_with_images
from langgraph_fusion.graph.settings import FusionSettings

if TYPE_CHECKING:
    from langgraph_fusion.graph.result import FusionResult

Question = str | Sequence[AnyMessage]
Events = AsyncGenerator[dict[str, Any]]


async def deliberate(
    question: Question,
    settings: FusionSettings,
    *,
    images: Sequence[ImageSource] = (),
    **given: Any,
) -> Events:
    """Yield the events of `graph.events`; the last is `run.finished` with the result.

    `images` go with a question in words: paths, https addresses, data URLs or bytes. Messages have
    them among their content blocks, in LangChain's standard form or OpenAI's. `given` goes to
    `create_fusion`: further `tools`, `files` in, a folder `out`.
    Closing the iterator cancels the run: calls stop, containers are removed.

    Raises:
        ConfigError: Before anything starts.
        RunFailed: When the run ends without an answer.
    """
    messages = _messages(question, images)
    events = create_fusion(settings, **given).astream(
        {"messages": messages}, stream_mode="custom", subgraphs=True
    )
    async with aclosing(cast("AsyncGenerator[Any]", events)) as stream:
        async for _namespace, event in stream:
            yield event


async def aask(question: Question, settings: FusionSettings, **given: Any) -> "FusionResult":
    """Deliberate and return the result; raises as `deliberate` does."""
    from langgraph_fusion.graph.result import FusionResult

    result: dict[str, Any] = {}
    async for event in deliberate(question, settings, **given):
        result = event.get("result", result)
    return FusionResult.model_validate(result)


def ask(question: Question, settings: FusionSettings, **given: Any) -> "FusionResult":
    """`aask` for code without an event loop.

    Raises:
        ConfigError: Inside a running event loop as well, as in a notebook.
    """
    if _loop_is_running():
        raise ConfigError(
            "ask() waits for the answer and cannot do so inside a running event loop (a notebook "
            "has one): write `await aask(...)` with the same arguments"
        )
    return asyncio.run(aask(question, settings, **given))


def _messages(question: Question, images: Sequence[ImageSource]) -> list[AnyMessage]:
    if isinstance(question, str):
        return [question_with_images(question, images)]
    if images:
        raise ConfigError("put them into the messages, as content blocks", field="images")
    return list(question)


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
