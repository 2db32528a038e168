"""Conversations that outlive their runs, because the client asked for it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Self

from langchain_core.messages import BaseMessage
from langgraph.store.base import BaseStore, PutOp
from pydantic import BaseModel, ConfigDict, ValidationError

from langgraph_fusion.graph.journal.entries import Json, message_json, read_messages
from langgraph_fusion.graph.journal.journal import as_text
from langgraph_fusion.graph.journal.stored_files import StoredFiles, without_data
from langgraph_fusion.graph.journal.stored_index import in_index, not_in_index
from langgraph_fusion.graph.journal.stores.write_batcher import StoreWriter

_SPACE = ("langgraph_fusion", "conversations")
_ALL = 1_000_000


class KeptConversation(BaseModel):
    """All turns up to an answer, and whose they are."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    """The run that gave the answer; the conversation is deleted with it."""
    client: str | None
    """Who alone may go on with it; None where nobody has to say who he is."""
    instructions: str | None
    """What stood before the first turn."""
    turns: tuple[Json, ...]
    """Up to the answer, which is the last one."""
    sent: Json
    """What the client got, in the format of the API that keeps it."""

    @classmethod
    def of(
        cls,
        run_id: str,
        client: str | None,
        instructions: str | None,
        turns: Sequence[BaseMessage],
        sent: Json,
    ) -> Self:
        spoken = tuple(message_json(turn) for turn in turns)
        return cls(run_id=run_id, client=client, instructions=instructions, turns=spoken, sent=sent)

    @property
    def messages(self) -> list[BaseMessage]:
        return read_messages(self.turns)


class Conversations:
    """The conversations in a store of runs, under ids of whoever keeps them."""

    def __init__(
        self, store: BaseStore, writer: StoreWriter, ttl: float | None, files: StoredFiles
    ) -> None:
        """`ttl` is minutes; None keeps them until their run is deleted."""
        self._files = files
        self._store = store
        self._writer = writer
        self._ttl = ttl

    async def keep(self, id: str, conversation: KeptConversation) -> None:
        """Return once it would survive a crash."""
        run_id = conversation.run_id
        text, files = await asyncio.to_thread(_written, conversation)
        value = {"run": run_id, "text": text}
        self._files.claim(run_id)
        await self._writer.write(
            *self._files.puts(run_id, files, self._ttl),
            PutOp(_SPACE, id, value, False, self._ttl),
            in_index(id, conversation.client, self._ttl),
        )

    async def find(self, id: str) -> KeptConversation | None:
        """None if there is none, or none that can be read."""
        item = await self._store.aget(_SPACE, id, refresh_ttl=False)
        try:
            if item is None:
                return None
            kept = KeptConversation.model_validate(json.loads(item.value["text"]))
            turns = await self._files.whole(kept.run_id, kept.turns)
            return kept.model_copy(update={"turns": tuple(turns)})
        except (KeyError, TypeError, ValueError, ValidationError):
            return None

    async def delete(self, id: str) -> None:
        """Remove a conversation; its files stay with the run if its texts do."""
        await self._writer.write(PutOp(_SPACE, id, None), not_in_index(id))

    async def removal(self, run_id: str) -> list[PutOp]:
        """Puts that remove all conversations that end with an answer of this run."""
        found = await self._store.asearch(
            _SPACE, filter={"run": run_id}, limit=_ALL, refresh_ttl=False
        )
        ids = [item.key for item in found]
        return [put for id in ids for put in (PutOp(_SPACE, id, None), not_in_index(id))]


def _written(conversation: KeptConversation) -> tuple[str, dict[str, str]]:
    """The conversation as it is stored, and its files, which stand beside it."""
    turns, files = without_data(conversation.turns)
    return as_text(conversation.model_copy(update={"turns": tuple(turns)}).model_dump()), files
