"""Conversations of the terminal: what was asked and answered, turn by turn, to go on with later."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from langgraph.store.base import BaseStore, PutOp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.journal import as_text
from langgraph_fusion.graph.journal.stores.write_batcher import StoreWriter

_HEADS = ("langgraph_fusion", "chats")
_TURNS = "langgraph_fusion", "chat_turns"
_ALL = 1_000_000
T = TypeVar("T", bound=BaseModel)
_WRONG = (KeyError, TypeError, ValueError, ValidationError)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class ChatTurn(BaseModel):
    """One question with its answer."""

    model_config = ConfigDict(frozen=True)

    question: str
    answer: str
    run_id: str
    result: dict[str, Any]
    """The `FusionResult` as JSON."""
    files: tuple[str, ...] = ()
    """Whole paths of the files that were at hand."""
    images: tuple[str, ...] = ()
    """Whole paths or addresses of the images that came with the question."""


class ChatHead(BaseModel):
    """A conversation without its turns. Later versions may add fields; unknown ones are ignored."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str = ""
    """How the first question begins."""
    given: dict[str, Any] = Field(default_factory=dict)
    """The settings it was begun with, as they were given."""
    turns: int = 0
    started_at: str = Field(default_factory=_now)
    """ISO 8601, UTC."""
    changed_at: str = Field(default_factory=_now)


class Chats:
    """The conversations in a store of runs."""

    def __init__(self, store: BaseStore, writer: StoreWriter, ttl: float | None) -> None:
        """`ttl` is minutes from the last turn; None keeps them until they are deleted."""
        self._store, self._writer, self._ttl = store, writer, ttl

    async def add(self, head: ChatHead, turn: ChatTurn) -> ChatHead:
        """Write a turn and the head that counts it; return once they would survive a crash."""
        grown = head.model_copy(update={"turns": head.turns + 1, "changed_at": _now()})
        told = {"run": turn.run_id, "text": as_text(turn.model_dump())}
        written = {"text": as_text(grown.model_dump())}
        await self._writer.write(
            PutOp((*_TURNS, head.id), f"{grown.turns:06}", told, False, self._ttl),
            PutOp(_HEADS, head.id, written, False, self._ttl),
        )
        return grown

    async def all(self) -> list[ChatHead]:
        """Every conversation, the one that was changed last first."""
        items = await self._store.asearch(_HEADS, limit=_ALL, refresh_ttl=False)
        heads = [head for item in items if (head := _read(ChatHead, item.value)) is not None]
        return sorted(heads, key=lambda head: (head.changed_at, head.id), reverse=True)

    async def get(self, id: str) -> ChatHead:
        """The conversation with this id, or with the only id that begins so.

        Raises:
            ConfigError: If there is none or more than one.
        """
        found = [head for head in await self.all() if id and head.id.startswith(id)]
        exact = [head for head in found if head.id == id]
        if len(exact or found) == 1:
            return (exact or found)[0]
        many = f"{len(found)} conversations begin with {id!r}"
        none = f"there is no conversation {id!r}"
        raise ConfigError(f"{many if found else none}; `fusion chat --list` lists them")

    async def turns(self, id: str) -> list[ChatTurn]:
        """All turns of a conversation that can be read, in order."""
        items = await self._store.asearch((*_TURNS, id), limit=_ALL, refresh_ttl=False)
        mine = sorted((item.key, item.value) for item in items)
        return list(_readable(value for _, value in mine))

    async def delete(self, id: str) -> None:
        """Remove a conversation with all its turns; the records of its runs stay."""
        items = await self._store.asearch((*_TURNS, id), limit=_ALL, refresh_ttl=False)
        puts = [PutOp(item.namespace, item.key, None) for item in items]
        await self._writer.write(PutOp(_HEADS, id, None), *puts)

    async def removal(self, run_id: str) -> list[PutOp]:
        """Puts that remove all turns that this run answered."""
        found = await self._store.asearch(
            _TURNS, filter={"run": run_id}, limit=_ALL, refresh_ttl=False
        )
        return [PutOp(item.namespace, item.key, None) for item in found]


def _readable(values: Iterator[Any]) -> Iterator[ChatTurn]:
    for value in values:
        if (turn := _read(ChatTurn, value)) is not None:
            yield turn


def _read(kind: type[T], value: Any) -> T | None:
    try:
        return kind.model_validate(json.loads(value["text"]))
    except _WRONG:
        return None
