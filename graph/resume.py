"""Take up a run again from what is stored of it: settings, conversation, files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from platform import node
from typing import cast

from langchain_core.messages import AnyMessage
from langchain_core.tools import BaseTool

from langgraph_fusion.graph.api import Events, deliberate
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.conversation_record import read_conversation
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.graph.journal.run_record import RunRecord
from langgraph_fusion.graph.request.conversation import question_at
from langgraph_fusion.graph.request.file_blocks import asked_text
from langgraph_fusion.graph.settings import FusionSettings, load_settings


@dataclass(frozen=True)
class Stopped:
    """A run that can go on."""

    record: RunRecord
    settings: FusionSettings
    messages: tuple[AnyMessage, ...]
    stored: Mapping[str, bytes] = field(default_factory=dict)
    """Files of this machine as they were when the run began, by path."""

    @property
    def question(self) -> str:
        return question_in(self.messages)

    def events(
        self,
        runs: RunRepository,
        tools: Sequence[BaseTool] = (),
        *,
        steering: Steering | None = None,
    ) -> Events:
        """Deliberate on, as `graph.api.deliberate`."""
        record = self.record
        return deliberate(
            self.messages,
            self.settings,
            runs=runs,
            run_id=record.id,
            tools=tools,
            files=record.files,
            stored=self.stored,
            out=record.out,
            steering=steering,
        )


async def stopped_run(runs: RunRepository, run_id: str, tools: Sequence[BaseTool] = ()) -> Stopped:
    """Read what a run needs to go on; `tools` are those of the application that began it.

    Raises:
        ConfigError: If there is no such run, it has finished or is at work, or something it was
            given (a tool, a file) is not there any more.
    """
    record = await runs.get(run_id)
    record.check_may_reopen()
    if missing := set(record.further_tools) - {tool.name for tool in tools}:
        raise ConfigError(
            f"run {record.id} had tools of an application ({', '.join(sorted(missing))}); "
            "resume it there, with deliberate(…, run_id=…)"
        )
    stored = await runs.files.of_paths(record.id, record.files)
    elsewhere = runs.is_of_several_hosts and record.host != node()
    if elsewhere and (record.out or set(record.files) - stored.keys()):
        raise ConfigError(
            f"run {record.id} has files, or a folder for them, on the host {record.host}: resume "
            f"it there; this is {node()}"
        )
    if gone := [path for path in record.files if path not in stored and not Path(path).is_file()]:
        raise ConfigError(
            f"run {record.id} was given files that are gone: {', '.join(gone)}; put them back, "
            "or ask again"
        )
    messages = await recorded_conversation(runs, record)
    if not messages:
        raise ConfigError(f"run {record.id}: its conversation is gone; ask again")
    return Stopped(record, load_settings(record.settings), messages, stored)


async def recorded_conversation(runs: RunRepository, record: RunRecord) -> tuple[AnyMessage, ...]:
    """The conversation a run began with, its files in it; empty when it is not stored."""
    said = recorded_messages(await runs.journal(record))
    return tuple(await runs.files.whole_messages(record.id, said))


def recorded_messages(journal: Journal) -> tuple[AnyMessage, ...]:
    """The conversation a run began with, without its files; empty when it is not stored."""
    return cast("tuple[AnyMessage, ...]", tuple(read_conversation(journal) or ()))


def question_in(messages: Sequence[AnyMessage]) -> str:
    """The last user message's text."""
    at = question_at(messages)
    return "" if at is None else asked_text(messages[at])
