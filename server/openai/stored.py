"""Responses that were stored: they exist for the key that made them, and for nobody else."""

import re

from langgraph_fusion.graph.journal.conversations import KeptConversation
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.server.api_keys import Key

_ID = re.compile(r"resp_[0-9a-f]{32}")


async def stored_response(
    id: str, store: RunRepository | None, key: Key | None
) -> KeptConversation | None:
    """The response; None if there is none, also if it is another key's."""
    if store is None or not _ID.fullmatch(id):
        return None
    found = await store.conversations.find(id)
    return found if found and found.client == (key.id if key else None) else None
