"""The resources of one run: documents, search, sandboxes, limits. They are closed with it.

Every node of the graph is given the run it belongs to, so the folders of members, judge and writer
import this file; it imports none of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig

from langgraph_fusion.graph.calls.holding_off import HoldingOff
from langgraph_fusion.graph.calls.limits import Limits
from langgraph_fusion.graph.calls.quorum import Quorum
from langgraph_fusion.graph.calls.run_images import DescriberImages, RunImages, SeatImages
from langgraph_fusion.graph.calls.seat_bill import SeatBill
from langgraph_fusion.graph.calls.seat_client import LiveSeatClient, SeatClient
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.calls.turns import Turns, by_model
from langgraph_fusion.graph.journal.entries import UPDATE, RecordedUpdate
from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.graph.journal.lifecycle import RunLifecycle
from langgraph_fusion.graph.journal.model_calls import RecordedSeatClient
from langgraph_fusion.graph.journal.replaced_sandbox import ReplacedSandbox, used_shell
from langgraph_fusion.graph.journal.stored_result import StoredResult
from langgraph_fusion.graph.records import Stage
from langgraph_fusion.graph.request.attachments import Attachments, StockedSandbox, collect
from langgraph_fusion.graph.request.document_copies import DocumentCopies
from langgraph_fusion.graph.request.given_files import INLINE_CHARS, GivenFiles
from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.graph.state import Json
from langgraph_fusion.models.prices import PriceTable
from langgraph_fusion.sandbox.base import Sandbox
from langgraph_fusion.tools.context import SharedTools
from langgraph_fusion.tools.mcp.offered import NOT_SEATED, Seated
from langgraph_fusion.tools.mcp.settings import servers_in

if TYPE_CHECKING:  # Docker is loaded when a run wants sandboxes
    from langgraph_fusion.sandbox.pool import SandboxPool
    from langgraph_fusion.tools.mcp.servers import ToolServers

SERVERS = "tool_server_unavailable"
_KEY = "__fusion_run"
"""In `config["configurable"]`; LangGraph keeps keys with two underscores out of metadata."""

_CALLS_LOST = (
    "This run was interrupted and taken up from a checkpoint: what {} had done of this before is "
    "missing from the bill, the sources and the tool calls."
)
_LOST_IDS = 500
"""More than the sources that a member can have been shown in one step."""
OpenGiven = Callable[[Sequence[AnyMessage], str], Awaitable[None]]


async def nothing_given(messages: Sequence[AnyMessage], question: str) -> None:
    """Open nothing."""


@dataclass
class Run:
    """One run's settings and open resources; every node reads it from its config."""

    id: str
    settings: FusionSettings
    limits: Limits
    shared_tools: SharedTools
    prices: PriceTable
    holding_off: HoldingOff = field(default_factory=HoldingOff)
    pool: "SandboxPool | None" = None
    degraded: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    attachments: Attachments = field(default_factory=Attachments)
    resources: AsyncExitStack = field(default_factory=AsyncExitStack)
    """What is opened on the way is closed with the run."""
    files: GivenFiles = field(default_factory=GivenFiles)
    """What came with the question, once `prepare` has read it."""
    documents: DocumentCopies | None = None
    """What of them goes into the sandboxes; None without documents."""
    extra_tools: frozenset[str] = frozenset()
    """Names of the tools the embedding application added."""
    servers: "ToolServers | None" = None
    """Those whose tools members may call; None where no seat has any."""
    journal: Journal = field(default_factory=lambda: Journal(""))
    images: RunImages = field(default_factory=RunImages)
    """The images of the conversation, and who sees them."""
    steering: Steering = field(default_factory=Steering)
    """What the user asks of the run while it works."""
    lifecycle: RunLifecycle | None = None
    """None for a run that is not kept."""
    given: Mapping[str, RecordedUpdate] = field(default_factory=dict)
    """What nodes returned in another run of the question, by lane: they are not run again."""
    open_given: OpenGiven = nothing_given
    """Opens what came with the question, in a run that does not begin with `prepare`."""
    prepared: bool = False
    """Whether it has gone through all its nodes since it was opened."""
    preparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    first_step: int | None = None
    """Of a run that a parent's checkpointer took up, the step of LangGraph at which it did."""
    repeats: bool = False
    """Whether that step is under way: its nodes may have made calls before, of which nothing is
    known."""
    earlier: StoredResult | None = None
    """What came of a run that had finished before it was taken over."""
    turn: int = 0
    """How often the client's tools have answered before: 0 unless the run is continued."""
    models_speak: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first piece of a reply has come."""
    _sandboxes: dict[str, Sandbox] = field(default_factory=dict)
    _turns: dict[tuple[int, tuple[str, ...]], Turns] = field(default_factory=dict)
    _quorums: dict[tuple[int, tuple[str, ...]], Quorum] = field(default_factory=dict)

    @staticmethod
    def of(config: RunnableConfig) -> "Run":
        """The run this node belongs to."""
        run: Run = config["configurable"][_KEY]
        return run

    @classmethod
    def unopened(cls, id: str, settings: FusionSettings, prices: PriceTable) -> Self:
        """A run of which nothing is open: enough to say what its first calls would cost."""
        limits = Limits(settings.deadline_s, settings.budget_usd, settings.unknown_cost)
        return cls(id, settings, limits, cast("SharedTools", None), prices)

    @classmethod
    def finished(cls, settings: FusionSettings, earlier: StoredResult) -> Self:
        """A run of which nothing is open, because it has its result already."""
        run = cls.unopened(earlier.run_id, settings, cast("PriceTable", None))
        run.earlier = earlier
        return run

    def into(self, config: RunnableConfig | None) -> RunnableConfig:
        """A copy of the config that carries this run to its nodes."""
        given: Any = dict(config or {})
        given["configurable"] = {**given.get("configurable", {}), _KEY: self}
        return given  # type: ignore[no-any-return]

    def seat_client(
        self, seat: ModelSeat, name: str, stage: Stage, round: int, *, part: int = 0
    ) -> SeatClient:
        """The models of a seat, for one stage of this run; recorded if the run is kept.

        `part` tells clients apart that work side by side in one stage.
        """
        bill = SeatBill(seat, name, stage, round, limits=self.limits, prices=self.prices)
        images = (DescriberImages if stage == "describe" else SeatImages)(self.images, seat, name)
        client = LiveSeatClient(seat, bill, self.holding_off, images, repeats=self.repeats)
        client.on_piece = self.models_speak.set
        if self.repeats:
            self.degrade("calls_lost", _CALLS_LOST.format(name))
            self.shared_tools.sources.skip_ids(name, _LOST_IDS)
        if not self.journal.on:
            return client
        work, earlier = f"{name}.{round}{f'.{part}' if part else ''}", list[str]()
        if stage == "synthesizer":
            *earlier, work = (f"{work}.{turn}" for turn in range(self.turn + 1))
        carried = self.journal.finished or (self.turn > 0 and stage != "synthesizer")
        return RecordedSeatClient(client, self.journal, work=work, carried=carried, earlier=earlier)

    @property
    def replays(self) -> bool:
        """Whether a journal tells what was done before."""
        return self.lifecycle is not None and self.lifecycle.resumes > 0

    def replay_update(self, lane: str) -> Json | None:
        """What a node returned in an earlier process or another run, if that is known.

        The run is then as it was after that node: its money counted, its notes taken over.
        """
        recorded = self.given.get(lane) or self.journal.read(f"{lane}{UPDATE}", RecordedUpdate)
        if recorded is None:
            return None
        self.limits.budget.spent_usd += recorded.counted_usd
        self.degraded[:] = dict.fromkeys([*self.degraded, *recorded.update["degraded"]])
        self.notes[:] = dict.fromkeys([*self.notes, *recorded.update["notes"]])
        carried = self.turn > 0 or self.journal.finished
        bill = [call | {"carried": carried} for call in recorded.update["bill"]]
        return {**recorded.update, "bill": bill}

    def record_update(self, lane: str, update: Json, bill: SeatBill | None) -> Json:
        """Record a node's update, and return it."""
        update, counted_usd = self.with_images(lane.partition(".")[0], update)
        counted_usd += bill.counted_usd if bill else 0.0
        self.journal.write_later(
            f"{lane}{UPDATE}", lambda: RecordedUpdate(update=update, counted_usd=counted_usd)
        )
        return update

    def with_images(self, name: str, update: Json) -> tuple[Json, float]:
        """The update with what a seat's node adds in a run with images, and what that counts."""
        added, counted_usd = self.images.added_by(name)
        if not added:
            return update, counted_usd
        bill = [*update["bill"], *added.get("bill", ())]
        return update | added | {"bill": bill}, counted_usd

    def quorum(self, round: int, asked: Iterable[str]) -> Quorum:
        """The count of answers of the members that are asked side by side in a round."""
        key = (round, tuple(sorted(asked)))
        if key not in self._quorums:
            needed = self.settings.quorum
            least = None if needed is None else min(needed, len(key[1]))
            self._quorums[key] = Quorum(least, self.settings.grace_s)
        return self._quorums[key]

    def turns(self, round: int, asked: Iterable[str]) -> Turns:
        """Whose turn it is among the members asked in a round: all at once, or by model."""
        key = (round, tuple(sorted(asked)))
        if key not in self._turns:
            models = [(one, self.settings.seat(one).model) for one in key[1]]
            judge = self.settings.judge or self.settings.synthesizer
            groups = by_model(models, judge.model) if self.settings.one_by_one else [key[1]]
            self._turns[key] = Turns(frozenset(group) for group in groups)
        return self._turns[key]

    def sandbox(self, letter: str) -> Sandbox | None:
        """The member's container, started in the background on first use; one a member and run."""
        if self.pool is None:
            return None
        if letter not in self._sandboxes:
            started: Sandbox = self.pool.start(letter)
            documents = self.documents if self.has_documents(letter) else None
            if self.files.copies or documents:
                started = StockedSandbox(started, self.files.copies, documents)
            if used_shell(self.journal, letter) or self._gave_up_shell(letter):
                started = ReplacedSandbox(started)
            self._sandboxes[letter] = started
        return self._sandboxes[letter]

    def has_documents(self, letter: str) -> bool:
        """Whether the member's sandbox holds the run's documents: its tools show it them anyway."""
        return self.documents is not None and {"docs", "bash"} <= {*self.tools_of(letter)}

    def tools_of(self, letter: str) -> tuple[str, ...]:
        """The tool groups of a seat; with files to search `docs` is among the default ones."""
        seat = self.settings.seat(letter)
        groups = self.settings.tools_of(seat)
        chosen = seat.tools is not None or self.settings.tools is not None
        if chosen or "docs" in groups or not self.files.documents:
            return groups
        return (*groups[:-1], "docs", *groups[-1:])

    def searches(self, letter: str) -> bool:
        """Whether this seat can search files and documents."""
        return (
            "docs" in self.tools_of(letter)
            and self.settings.max_calls_of(self.settings.seat(letter)) > 0
        )

    def files_inlined(self, letter: str, question: str) -> str:
        """The texts of the files for a seat that cannot search them, with ids to cite."""
        filtered = self.shared_tools is not None and self.shared_tools.content_filter
        if not self.files.documents or filtered:
            return ""
        inlined = self.files.inlined(question, INLINE_CHARS, letter, self.shared_tools.sources)
        self._note_shortened(inlined.shortened)
        return inlined.text

    def files_inlined_plainly(self, question: str) -> str:
        """The texts of the files for a writer without a panel; its answer has no citations."""
        inlined = self.files.inlined_plainly(question, INLINE_CHARS)
        self._note_shortened(inlined.shortened)
        return inlined.text

    def _note_shortened(self, names: Sequence[str]) -> None:
        for name in names:
            self.degrade(
                "file_shortened",
                f"Of {name!r} only a part fits into the prompt of a seat without tools for it.",
            )

    def _gave_up_shell(self, letter: str) -> bool:
        """Whether this member's answer comes from another run, whose container is gone."""
        known = self.given.get(f"{letter}.0")
        answers = known.update["answers"] if known else []
        return any(use["tool"] == "bash" for one in answers for use in one["tools"])

    async def seated_tools(self, letter: str, within_s: float) -> Seated:
        """The servers' tools that a member may call, once those servers have started.

        A server that does not start in so many seconds is noted.
        """
        groups = self.settings.tools_of(self.settings.seat(letter))
        if self.servers is None or not servers_in(groups):
            return NOT_SEATED
        seated = await self.servers.seated(groups, within_s)
        for server, why in seated.lost.items():
            self.degrade(SERVERS, f"Seat {letter} had no tools of the server {server}: {why}.")
        self.notes[:] = dict.fromkeys([*self.notes, *seated.notes])
        return seated

    def note_lost_servers(self, letter: str) -> None:
        """Note the servers that ended while a member worked."""
        groups = self.settings.tools_of(self.settings.seat(letter))
        for server, why in (self.servers.gone(groups) if self.servers else {}).items():
            self.degrade(SERVERS, f"Seat {letter} had no tools of the server {server}: {why}.")

    async def kept_files(self) -> list[tuple[str, Path]]:
        """Copy out what members left, if it was asked for: seat and path of each file."""
        if self.attachments.out is None:
            return []
        if lost := [seat for seat in self.settings.letters if used_shell(self.journal, seat)]:
            note = f"Files that {', '.join(lost)} left before the run was interrupted are gone."
            self.degrade("files_lost", note)
        kept, skipped = await collect(self._sandboxes, self.attachments.out)
        for why in skipped:
            self.degraded[:] = dict.fromkeys([*self.degraded, "files_not_kept"])
            self.notes.append(f"Not kept: {why}")
        return kept

    @property
    def today(self) -> str:
        """The day on which the run began, also when it is resumed later."""
        return self.started_at[:10]

    @property
    def seconds(self) -> float:
        return round(self.limits.elapsed_s, 3)

    async def begin(self, messages: Sequence[AnyMessage]) -> None:
        """Record that the run has begun; raises as `RunLifecycle.begin`."""
        if self.lifecycle is not None:
            await self.lifecycle.begin(
                messages,
                self.settings,
                self.attachments,
                self.files.of_paths,
                self.extra_tools,
                self.started_at,
            )

    def lost_its_store(self, error: Exception) -> None:
        """Continue without the store: what was paid so far is in the run's memory."""
        self.degrade("run_store", f"This run cannot be resumed: its store failed ({error}).")

    def degrade(self, code: str, note: str) -> None:
        """Record that something went worse than asked: each code and each sentence once."""
        if code not in self.degraded:
            self.degraded.append(code)
        if note not in self.notes:
            self.notes.append(note)
