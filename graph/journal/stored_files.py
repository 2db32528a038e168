"""Files and images of stored conversations: each stored once for its run, by its hash.

A conversation is written again with every turn, its files are not. Namespace
`langgraph_fusion/files/<run id>`; all of it goes when the run is deleted, and when it has finished
and nobody keeps its texts.
"""

import base64
import hashlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from langchain_core.messages import BaseMessage
from langgraph.store.base import BaseStore, PutOp

from langgraph_fusion.graph.journal.entries import Json
from langgraph_fusion.graph.request.file_blocks import file_block, is_file, sent_file

M = TypeVar("M", bound=BaseMessage)
_SPACE = ("langgraph_fusion", "files")
_STORED = "stored"
"""In the place of the data of a block: its hash."""
_ALL = 1_000_000
_REMEMBERED = 1000
"""Runs whose answer is being stored: many times more than end at one moment."""
Files = Mapping[str, str]
"""Base64 by its hash."""


class StoredFiles:
    """The files of all runs in a store."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self._claimed: deque[str] = deque(maxlen=_REMEMBERED)

    def claim(self, run_id: str) -> None:
        """Note that a conversation needs a run's files, whether or not the run ends after this."""
        self._claimed.append(run_id)

    def is_claimed(self, run_id: str) -> bool:
        """Whether the end of the run leaves its files in the store.

        A run that ends first removes them, and the conversation's puts, which come after, bring
        them back.
        """
        return run_id in self._claimed

    def puts(self, run_id: str, files: Files, ttl: float | None) -> list[PutOp]:
        """Puts that store these files for a run; `ttl` is minutes."""
        space = (*_SPACE, run_id)
        return [PutOp(space, key, {"text": data}, False, ttl) for key, data in files.items()]

    async def read(self, run_id: str) -> dict[str, str]:
        """The files of a run."""
        return {item.key: str(item.value["text"]) for item in await self._items(run_id)}

    async def removal(self, run_id: str) -> list[PutOp]:
        """Puts that remove the files of a run."""
        return [PutOp((*_SPACE, run_id), item.key, None) for item in await self._items(run_id)]

    async def whole(self, run_id: str, messages: Sequence[Json]) -> list[Json]:
        """Messages as JSON with the data in them again; what is gone stays out."""
        if not any(_STORED in part for message in messages for part in _parts(message)):
            return [*messages]
        files = await self.read(run_id)
        return [_changed(message, lambda content: _filled(content, files)) for message in messages]

    async def whole_messages(self, run_id: str, messages: Sequence[M]) -> list[M]:
        """Messages with the data in them again; what is gone stays out."""
        if not any(_STORED in part for message in messages for part in _blocks(message.content)):
            return [*messages]
        files = await self.read(run_id)
        return [
            message.model_copy(update={"content": _filled(message.content, files)})
            for message in messages
        ]

    async def of_paths(self, run_id: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The files of this machine that a run was given, by path, as far as they are stored."""
        files = await self.read(run_id) if paths else {}
        found = {path: files.get(stored_key(path)) for path in paths}
        return {path: base64.b64decode(data) for path, data in found.items() if data is not None}

    async def _items(self, run_id: str) -> list[Any]:
        space = (*_SPACE, run_id)
        found = await self._store.asearch(space, limit=_ALL, refresh_ttl=False)
        return [item for item in found if item.namespace == space]


def stored_key(path: str) -> str:
    """The key of a file of this machine: by its path, under which a run is given it again."""
    return f"path:{hashlib.sha256(path.encode(errors='surrogateescape')).hexdigest()}"


def without_data(messages: Sequence[Json]) -> tuple[list[Json], dict[str, str]]:
    """Messages as JSON with hashes in the place of their files' data, and the data by hash."""
    files: dict[str, str] = {}

    def taken_out(part: Json) -> Json:
        block = _with_base64(part)
        data = block.get("base64")
        if not isinstance(data, str) or not data:
            return part
        key = hashlib.sha256(data.encode()).hexdigest()
        files[key] = data
        return {name: value for name, value in block.items() if name != "base64"} | {_STORED: key}

    def bare(content: Any) -> Any:
        return [taken_out(part) if isinstance(part, dict) else part for part in content]

    return [_changed(message, bare) for message in messages], files


def _with_base64(part: Json) -> Json:
    """A file that was sent in a data URL or another form, as a block with its base64."""
    if not is_file(part) or "base64" in part:
        return part
    sent = sent_file(part)
    head, comma, data = sent.data.partition(",")
    if comma and not head.lower().rstrip().endswith(";base64"):
        return part
    return file_block(sent.name, data if comma else sent.data) if sent.data else part


def _with_data(part: Json, files: Files) -> Json:
    data = files.get(part.get(_STORED, ""))
    if data is None:
        return part
    return {name: value for name, value in part.items() if name != _STORED} | {"base64": data}


def _filled(content: Any, files: Files) -> Any:
    if not isinstance(content, list):
        return content
    return [_with_data(part, files) if isinstance(part, dict) else part for part in content]


def _blocks(content: Any) -> list[Json]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _parts(message: Json) -> list[Json]:
    return _blocks(message["data"].get("content"))


def _changed(message: Json, change: Callable[[Any], Any]) -> Json:
    if not _parts(message):
        return message
    return {**message, "data": message["data"] | {"content": change(message["data"]["content"])}}
