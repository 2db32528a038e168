"""Which run a conversation goes on with: the ids of the calls that were handed out name it."""

import re
from collections.abc import Sequence

from langchain_core.messages import AnyMessage, ToolMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.keeper import must_go_on
from langgraph_fusion.graph.journal.resume import recorded_messages
from langgraph_fusion.graph.journal.runs import Runs, check_may_reopen

_CALL = re.compile(r"call_(?P<run>[0-9a-f]{12})_\d+")


async def continued_run(
    messages: Sequence[AnyMessage], store: Runs | None, client: str | None
) -> str | None:
    """The run whose calls these messages answer; None where it is not kept, or another client's.

    Then the results are of no run, which the run that starts instead will say.

    Raises:
        ConfigError: If a process works on the run, or it began with another conversation.
    """
    last = messages[-1] if messages else None
    if store is None or not isinstance(last, ToolMessage):
        return None
    found = _CALL.fullmatch(last.tool_call_id)
    if found is None:
        return None
    try:
        record = await store.get(found["run"])
    except ConfigError:
        return None
    if record.client != client:
        return None
    check_may_reopen(record)
    must_go_on(record.id, recorded_messages(await store.journal(record)), messages)
    return record.id
