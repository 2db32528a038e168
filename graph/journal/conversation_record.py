"""The conversation of a run in its journal: its turns, and each image once, under its sha256.

Files lie apart from it (`stored_files.py`): they would be read whenever the journal is.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.entries import (
    Json,
    RecordedImage,
    RecordedMessages,
    message_json,
    read_messages,
)
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.stored_files import StoredFiles, stored_key, without_data
from langgraph_fusion.graph.request.images import digests, images_in, is_image

MESSAGES, IMAGE = "messages", "image/"
"""Keys beside the journal's own."""


def read_conversation(journal: Journal) -> list[BaseMessage] | None:
    """The turns that are recorded, without their files; None if none are.

    Raises:
        ConfigError: If they cannot be read.
    """
    recorded = journal.read(MESSAGES, RecordedMessages)
    if recorded is None:
        return None
    try:
        return read_messages([*_with_data(recorded.messages, journal)])
    except ValueError as error:
        raise ConfigError(f"run {journal.run_id}: its conversation cannot be read") from error


async def write_conversation(
    journal: Journal,
    messages: Sequence[BaseMessage],
    files: StoredFiles,
    of_paths: Mapping[str, bytes],
) -> None:
    """Write the turns, their files, and what images are not there yet; return once they would
    survive a crash. `of_paths` are files of this machine.
    """
    known = set(journal.keys)
    for image in images_in(messages):
        if (key := IMAGE + image.sha256) not in known:
            known.add(key)
            entry = RecordedImage(base64=image.base64)
            journal.write_later(key, lambda entry=entry: entry)  # type: ignore[misc]
    spoken, data = without_data([*map(_without_data, messages)])
    data |= {stored_key(path): base64.b64encode(one).decode() for path, one in of_paths.items()}
    puts = files.puts(journal.run_id, data, journal.ttl)
    await journal.write(MESSAGES, lambda: RecordedMessages(messages=tuple(spoken)), *puts)


def conversation_keys(journal: Journal) -> list[str]:
    """The keys of turns and images."""
    return [MESSAGES, *(key for key in journal.all_keys if key.startswith(IMAGE))]


def must_go_on(run_id: str, before: Sequence[BaseMessage], now: Sequence[BaseMessage]) -> None:
    """Raise ConfigError unless a run's conversation so far is how this one begins."""
    same = [*map(_said, before)] == [*map(_said, now[: len(before)])]
    if not same:
        raise ConfigError(f"run {run_id} began with another conversation", field="messages")


def _said(message: BaseMessage) -> tuple[str, str, list[str]]:
    return message.type, str(message.text), digests(message)


def _without_data(message: BaseMessage) -> Json:
    recorded = message_json(message)
    content = recorded["data"]["content"]
    if isinstance(content, list):
        bare = [
            {name: value for name, value in part.items() if name != "base64"}
            if is_image(part)
            else part
            for part in content
        ]
        recorded = {**recorded, "data": {**recorded["data"], "content": bare}}
    return recorded


def _with_data(recorded: Sequence[Json], journal: Journal) -> Iterator[Json]:
    for message in recorded:
        content = message["data"].get("content")
        if isinstance(content, list):
            whole = [_whole(part, journal) if is_image(part) else part for part in content]
            yield {**message, "data": {**message["data"], "content": whole}}
        else:
            yield message


def _whole(part: Mapping[str, Any], journal: Journal) -> Json:
    """The image with its data; one of an earlier version has it already."""
    if "base64" in part:
        return dict(part)
    found = journal.read(IMAGE + str(part["extras"]["sha256"]), RecordedImage)
    if found is None:
        raise ValueError("an image is gone")
    return {**part, "base64": found.base64}
