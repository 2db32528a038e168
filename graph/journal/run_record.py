"""A run's record, without its texts: its seats, how it ended, what it cost."""

import platform
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.stores.owner import Owner
from langgraph_fusion.graph.records import Call, Failure, Totals
from langgraph_fusion.models.text import one_line

TOOL_CALLS = "tool_calls"
"""Reason of a finished run that the client's tools may still answer."""
Origin = Literal["terminal", "server"]
QUESTION_CHARS = 120
"""Of the question, what a list of runs shows."""
Status = Literal["running", "finished", "failed", "interrupted"]


class RunRecord(BaseModel):
    """One run in the store. Later versions may add fields; unknown ones are ignored."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: Status = "running"
    preset: str
    settings: dict[str, Any]
    """`FusionSettings` as JSON, with the models that were chosen for `local:auto`."""
    further_tools: tuple[str, ...] = ()
    """Names of tools that only the embedding application has."""
    files: tuple[str, ...] = ()
    out: str | None = None
    host: str = Field(default_factory=platform.node)
    """Where the run began, and `files` and `out` are."""
    question: str = ""
    """How the question begins; empty unless the terminal keeps it (`FUSION_RUNS_QUESTIONS`)."""
    origin: Origin | None = None
    """Who keeps the run; None for an embedding application and for runs of earlier versions."""
    keep: bool = False
    """Whether the texts stay when the run has finished."""
    started_at: str
    """ISO 8601, UTC."""
    seconds: float = 0.0
    """Of all processes that worked on it, as far as they could say."""
    resumes: int = 0
    client: str | None = None
    """Who alone may go on with it over the server; None where nobody has to say who he is."""
    owner: Owner | None = None
    """The process that works on it."""
    silent_s: float = Field(default=0.0, exclude=True)
    """How long ago the owner last said so, by the store's clock, when the record was read."""
    reason: str | None = None
    """Why it failed; `tool_calls` when it finished by calling the client's tools."""
    bill: dict[str, Totals] = Field(default_factory=dict)
    """By seat: a member's letter, `judge`, `synthesizer`; empty while the run is under way."""
    total: Totals | None = None
    failed_members: tuple[Failure, ...] = ()
    degraded: tuple[str, ...] = ()

    def changed(self, **changes: Any) -> "RunRecord":
        return RunRecord.model_validate(self.model_dump() | changes)

    @property
    def now(self) -> Status:
        """The status; a run whose process died without a word is interrupted."""
        if self.status != "running":
            return self.status
        lives = self.owner is not None and self.owner.lives(self.silent_s)
        return "running" if lives else "interrupted"

    @property
    def of_a_server(self) -> bool:
        """Whether a client of a server started it: nobody else resumes it by default."""
        return self.origin == "server" or self.client is not None

    @property
    def resumable(self) -> bool:
        return self.now in ("interrupted", "failed")

    @property
    def has_result(self) -> bool:
        """Whether it has finished for good; its client's tools have nothing to answer."""
        return self.status == "finished" and self.reason != TOOL_CALLS

    def check_may_reopen(self) -> None:
        """Raise ConfigError for a run that has finished or is at work."""
        self.check_not_at_work()
        self.check_unfinished()

    def check_unfinished(self) -> None:
        """Raise ConfigError for a run that has finished."""
        if self.has_result:
            raise ConfigError(
                f"run {self.id} has finished; `fusion runs show {self.id}` says what came of it"
            )

    def check_not_at_work(self) -> None:
        """Raise ConfigError if a process works on it."""
        if self.now == "running":
            raise ConfigError(f"run {self.id} is still running; wait for it, or stop it first")


def by_seat(calls: Iterable[Call]) -> dict[str, Totals]:
    """The bill of every seat that made a call."""
    made = list(calls)
    seats = dict.fromkeys(call.seat for call in made)
    return {seat: Totals.of(call for call in made if call.seat == seat) for seat in seats}


def beginning_of(question: str) -> str:
    """The question on one line, cut after `QUESTION_CHARS` characters."""
    text = one_line(question[: 10 * QUESTION_CHARS])
    return text if len(text) <= QUESTION_CHARS else text[: QUESTION_CHARS - 1].rstrip() + "…"
