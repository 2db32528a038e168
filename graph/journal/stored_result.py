"""The result of a finished run, as far as it is kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.conversation_record import read_conversation
from langgraph_fusion.graph.journal.entries import RecordedUpdate
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.lifecycle import RESULT
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.run_record import RunRecord
from langgraph_fusion.models.loop_share import off_loop


class StoredResult(NamedTuple):
    """What came of a run, and the conversation that it began with."""

    run_id: str
    result: dict[str, Any]
    """A `FusionResult` as JSON."""
    messages: Sequence[BaseMessage]

    def check_asked(self, messages: Sequence[BaseMessage]) -> None:
        """Raise ConfigError unless the run answered these texts; files are not looked at."""
        said = [(one.type, str(one.text)) for one in messages]
        if said != [(one.type, str(one.text)) for one in self.messages]:
            raise ConfigError(
                f"run {self.run_id} began with another conversation", field="messages"
            )


async def read_result(runs: RunRepository, record: RunRecord) -> StoredResult | None:
    """Read what is kept of a run; None if its result is not."""
    journal = await runs.journal(record)
    kept, asked = await off_loop(journal.size, _read, journal)
    if kept is None or asked is None:
        return None
    return StoredResult(record.id, kept.update, asked)


def _read(journal: Journal) -> tuple[RecordedUpdate | None, Sequence[BaseMessage] | None]:
    return journal.read(RESULT, RecordedUpdate), read_conversation(journal)


async def stored_result(runs: RunRepository, run_id: str) -> dict[str, Any] | None:
    """Return it as JSON; None if there is no such run or its texts were not kept."""
    record = await runs.find(run_id)
    found = await read_result(runs, record) if record else None
    return found.result if found else None
