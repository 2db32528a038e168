"""Which run a conversation goes on with: the ids of the calls that were handed out name it."""

import re
from collections.abc import Sequence

from langchain_core.messages import AnyMessage, ToolMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.runs import Runs

_CALL = re.compile(r"call_(?P<run>[0-9a-f]+)_\d+")


async def continued_run(messages: Sequence[AnyMessage], store: Runs | None) -> str | None:
    """The run whose calls these messages answer; None where it is not kept any more.

    Then the question is deliberated anew. That the conversation is the run's own is checked where
    it is taken up.
    """
    last = messages[-1] if messages else None
    if store is None or not isinstance(last, ToolMessage):
        return None
    found = _CALL.fullmatch(last.tool_call_id)
    if found is None:
        return None
    try:
        return (await store.get(found["run"])).id
    except ConfigError:
        return None
