"""Find the run that a request continues: by the ids of its tool calls in a conversation, by the
run's id over MCP.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from langchain_core.messages import AnyMessage, ToolMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.conversation_record import must_go_on
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.run_record import TOOL_CALLS, RunRecord
from langgraph_fusion.graph.request.client_tools import wrong_results
from langgraph_fusion.graph.request.conversation import question_at
from langgraph_fusion.graph.resume import recorded_messages, stopped_run
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from langgraph_fusion.server.runs.run_request import RunRequest

_CALL = re.compile(r"call_(?P<run>[0-9a-f]{12})_\d+")


async def continued_run(
    messages: Sequence[AnyMessage], store: RunRepository | None, client: str | None
) -> RunRecord | None:
    """The run whose calls these messages answer.

    None where the results are of no run that can go on: it is not kept or another client's, it has
    ended, or it began with another conversation. Then whoever starts a run has them as part of
    the conversation.

    Raises:
        ConfigError: If a process works on the run.
    """
    last = messages[-1] if messages else None
    if store is None or not isinstance(last, ToolMessage):
        return None
    found = _CALL.fullmatch(last.tool_call_id)
    if found is None:
        return None
    record = await _own_record(found["run"], store, client)
    if record is None:
        return None
    ended = record.status == "finished" and record.reason != TOOL_CALLS
    if ended:
        return None
    record.check_may_reopen()
    try:
        must_go_on(record.id, recorded_messages(await store.journal(record)), messages)
    except ConfigError:
        return None
    return record if wrong_results(_since_question(messages), record.id) is None else None


def answers_directly(request: RunRequest, run: RunRecord | None) -> bool:
    """Whether the writer alone answers results of tools: as the run did, or as the client wants."""
    if run is not None:
        return run.settings.get("mode") == "direct"
    last = request.messages[-1] if request.messages else None
    return isinstance(last, ToolMessage) and request.tool_results == "direct"


async def _own_record(run_id: str, store: RunRepository, client: str | None) -> RunRecord | None:
    """The client's run with this very id; None for any other, and one that cannot be read."""
    try:
        record = await store.find(run_id)
    except ConfigError:
        return None
    return record if record is not None and record.client == client else None


def _since_question(messages: Sequence[AnyMessage]) -> Sequence[AnyMessage]:
    at = question_at(messages)
    return [] if at is None else messages[at + 1 :]


async def stopped_request(
    run_id: str, store: RunRepository, client: str | None, policy: ClientPolicy
) -> RunRequest:
    """Rebuild the request of a stopped run, to resume it within the current policy.

    Raises:
        ConfigError: If this client has no such run, or it cannot go on here.
    """
    record = await _own_record(run_id, store, client)
    if record is None:
        raise ConfigError(f"there is no run {run_id!r}")
    if record.files or record.out:
        raise ConfigError(f"run {run_id} has files of this machine: `fusion resume {run_id}`")
    stopped = await stopped_run(store, run_id)
    request = RunRequest.of(
        policy.apply_limits(stopped.settings), list(stopped.messages), requested="resume"
    )
    return replace(request, run_id=record.id)
