"""Which run a request goes on with.

A conversation does by the ids of the calls that were handed out, an MCP client by the run's id.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from langchain_core.messages import AnyMessage, ToolMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.lifecycle import must_go_on
from langgraph_fusion.graph.journal.repository import RunRepository, check_may_reopen
from langgraph_fusion.graph.resume import recorded_messages, stopped_run
from langgraph_fusion.server.runs.run_request import RunRequest

_CALL = re.compile(r"call_(?P<run>[0-9a-f]{12})_\d+")


async def continued_run(
    messages: Sequence[AnyMessage], store: RunRepository | None, client: str | None
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


async def stopped_request(run_id: str, store: RunRepository, client: str | None) -> RunRequest:
    """What a run that has stopped was asked, to go on with it.

    Raises:
        ConfigError: If this client has no such run, or it cannot go on here.
    """
    record = await store.get(run_id)
    if record.client != client:
        raise ConfigError(f"there is no run {run_id!r}")
    if record.files or record.out:
        raise ConfigError(f"run {run_id} has files of this machine: `fusion resume {run_id}`")
    stopped = await stopped_run(store, run_id)
    request = RunRequest.of(stopped.settings, list(stopped.messages), requested="resume")
    return replace(request, run_id=record.id)
