"""Read the files that came with a question: once, before any model is called, for all members.

No file makes the run fail: what cannot be read is named in the result, with its reason.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.request.file_blocks import SentFile, sent_files, with_data
from langgraph_fusion.graph.request.given_files import (
    INLINE_CHARS,
    MAX_BYTES,
    MAX_FILES,
    FileBytes,
    GivenFile,
    GivenFiles,
    named_file,
    read_file,
    too_large,
)
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.tools.docs_index.docs import open_given
from langgraph_fusion.tools.errors import ToolFailure

_MOST_S = 120.0
"""For all files together."""
_PART = 0.5
"""Of the panel's time, which reading may take at most."""


async def read_given_files(run: Run, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """Read what was given, open its index, and return the messages with fetched files in them."""
    sent = sent_files(messages)
    paths = run.attachments.files
    if not sent and not paths:
        return [*messages]
    had = [await asyncio.to_thread(_of_path, path, run.attachments.stored) for path in paths]
    fetched: dict[str, bytes] = {}
    for number, one in enumerate(sent, start=len(had) + 1):
        had.append(await _bytes_of(run, one, number, fetched))
    run.files = GivenFiles(tuple(await _read_in_time(run, had)))
    for file in run.files.files:
        if file.problem:
            run.degrade("file_not_read", f"{file.name!r} could not be read: {file.problem}.")
    if run.files.documents:
        opening = open_given(run.files.documents)
        run.shared_tools.files = await run.resources.enter_async_context(opening)
    return with_data(messages, fetched)


def inlined_chars(paths: Sequence[Path]) -> int:
    """Characters of these files that a prompt of a seat without tools for them would hold."""
    read = list[GivenFile]()
    for number, path in enumerate(paths, start=1):
        read.append(read_file(_of_path(path, {}), number, read, Event()))
    return min(INLINE_CHARS, sum(len(one.text) for one in GivenFiles(tuple(read)).documents))


def most_inlined_chars(messages: Sequence[AnyMessage]) -> int:
    """The same of files in a conversation, at most: no file is read or fetched for it."""
    sent = [one for one in sent_files(messages) if not one.problem]
    sizes = (INLINE_CHARS if one.url else len(one.text) or len(one.data) * 3 // 4 for one in sent)
    return min(INLINE_CHARS, sum(sizes))


async def _read_in_time(run: Run, had: Sequence[FileBytes]) -> list[GivenFile]:
    read, cancelled = list[GivenFile](), Event()
    most = min(_MOST_S, _PART * run.limits.left("panel", 0))
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(most):
                for number, one in enumerate(had, start=1):
                    work = asyncio.to_thread(read_file, one, number, read, cancelled)
                    read.append(await work)
    finally:
        cancelled.set()
    for number, one in enumerate(had[len(read) :], start=len(read) + 1):
        late = FileBytes(one.name, one.data, one.path, one.problem or _late(most), one.size)
        read.append(named_file(late, number, read))
    return read


def _late(most: float) -> str:
    return f"reading the files took longer than {most:.0f} s"


def _of_path(path: Path, stored: Mapping[str, bytes]) -> FileBytes:
    """A file of this machine: as it was stored with the run, else as it is now."""
    if (data := stored.get(str(path))) is not None:
        return FileBytes(path.name, data, path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            return FileBytes(path.name, None, path, too_large(size), size)
        return FileBytes(path.name, path.read_bytes(), path)
    except OSError as error:
        return FileBytes(path.name, None, path, f"it may not be read ({error.strerror})")


async def _bytes_of(run: Run, sent: SentFile, number: int, fetched: dict[str, bytes]) -> FileBytes:
    if sent.problem:
        return FileBytes(sent.name, problem=sent.problem)
    if not sent.url:
        try:
            return FileBytes(sent.name, await asyncio.to_thread(sent.decoded))
        except ValueError as error:
            return FileBytes(sent.name, problem=str(error))
    if sent.url not in fetched:
        if number > MAX_FILES:
            return FileBytes(sent.name, problem=f"at most {MAX_FILES} files are read")
        try:
            body = await run.shared_tools.fetcher.download(sent.url, MAX_BYTES)
        except ToolFailure as failure:
            why = str(failure).rstrip(".").replace("The page", "it")
            return FileBytes(sent.name, problem=f"it was not fetched: {why}")
        fetched[sent.url] = body.data
    return FileBytes(sent.name, fetched[sent.url])
