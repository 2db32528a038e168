"""What clients have asked to be stored, in a form that can be counted without reading its texts.

Namespace `langgraph_fusion/stored`: a small item for every run that outlives its connection and for
every stored response. It comes and goes together with what it stands for.
"""

from langgraph.store.base import BaseStore, PutOp

_SPACE = ("langgraph_fusion", "stored")


class StoredIndex:
    """The index in a store of runs."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store

    async def number(self, client: str | None, most: int) -> int:
        """How many runs and responses are stored for this client; counting ends at `most`."""
        mine = {"client": client or ""}
        return len(await self._store.asearch(_SPACE, filter=mine, limit=most, refresh_ttl=False))


def in_index(id: str, client: str | None, ttl: float | None) -> PutOp:
    """The put that adds one; `ttl` is minutes."""
    return PutOp(_SPACE, id, {"client": client or ""}, False, ttl)


def not_in_index(id: str) -> PutOp:
    """The put that removes one."""
    return PutOp(_SPACE, id, None)
