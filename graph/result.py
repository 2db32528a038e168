"""The whole result of a run: what `--json` prints and `fusion` holds in the graph's output.

Stable: fields are added, never renamed or removed, within a `schema_version`. The JSON schema is
`FusionResult.model_json_schema()`, written to `docs/result.schema.json`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from langgraph_fusion.graph.analysis import Analysis
from langgraph_fusion.graph.records import (
    AskedFollowUp,
    Call,
    Ended,
    Failure,
    ImageDescription,
    MemberAnswer,
    PanelGrowth,
    Revision,
    Totals,
    Verification,
)
from langgraph_fusion.graph.settings import Length, Mode
from langgraph_fusion.tools.exclude import Dropped
from langgraph_fusion.tools.sources import Kind as SourceKind


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class SeatInfo(_Part):
    """Who sat in a seat, what it did and what it cost over the whole run."""

    seat: str
    model: str
    """The configured model; an answer names the one that wrote it."""
    status: Literal["ok", "partial", "failed", "not_seated"]
    """not_seated: an adaptive panel did not need it."""
    bill: Totals


class SourceInfo(_Part):
    """A source that a member was shown in this run."""

    id: str
    number: int | None = None
    """Its number in the answer's source list; None if the answer does not cite it."""
    seat: str
    kind: SourceKind
    url: str
    """Empty for a command's output, which has no address."""
    title: str
    retrieved_at: str
    """ISO 8601, UTC."""
    published: str | None = None
    """The day it was published or last changed, ISO 8601, where a search engine says."""
    sha256: str
    """Of the text the member was shown."""
    same_as: str | None = None
    """Id of the earlier source with the same address or the same text."""
    excerpt: str = ""
    chars: int
    """Length of the text the member was shown; `excerpt` is its beginning."""


class ImageInfo(_Part):
    """An image of the conversation, by name: the result does not hold it."""

    number: int
    """Its place in the conversation, from 1, by which prompts name it."""
    sha256: str
    media_type: str
    """By its first bytes, for example `image/png`."""
    bytes: int
    width: int | None = None
    """Pixels; None where its header does not say."""
    height: int | None = None
    seen_by: tuple[str, ...] = ()
    """Seats whose models were sent it: letters of members, `judge`, `synthesizer`."""
    described_to: tuple[str, ...] = ()
    """Seats whose models see no images and were sent the description."""
    unseen_by: tuple[str, ...] = ()
    """Seats that took part without it and without a description."""


class KeptFile(_Part):
    """A file that a member left and that was copied out."""

    seat: str
    path: str


class AttachedFile(_Part):
    """A file that came with the question."""

    name: str
    """As it was shown to the models and is called in the sandboxes."""
    kind: str
    """What it is by its content, in words: `PDF`, `Excel workbook`, `binary file`."""
    media_type: str
    """The same as a media type; empty if the file could not be had."""
    size: int | None
    """Bytes; None if the file could not be had."""
    sha256: str | None
    read: bool
    """Whether its text could be searched and cited."""
    reason: str = ""
    """Why its text could not be read, and where there is one the way out."""
    sources: tuple[str, ...] = ()
    """Ids of the sources that members were shown of it."""


class Unverified(_Part):
    """Something in the answer that the check could not tie to this run's sources."""

    kind: Literal["unknown_source", "unretrieved_url"]
    text: str
    """The id that was cited, or the address."""
    claim: str = ""
    """The end of the sentence that the unknown id stood behind."""


class Retention(_Part):
    """How much of the panel's evidence is in the answer; None where there was none."""

    claims: float | None = None
    """Share of the judge's sourced claims one of whose sources the answer cites."""
    citations: float | None = None
    """Share of the sources cited by members that the answer cites."""
    figures: float | None = None
    """Share of the figures in the members' answers that stand in the answer."""
    parts: float | None = None
    """Share of the question's parts whose words the answer takes up."""


class SkippedDocument(_Part):
    """A file of the documents' folder that could not be read."""

    path: str
    """Relative to the folder."""
    reason: str
    """Why, and where there is one the way out, in words."""


class DocumentsUsed(_Part):
    """What became of the folder of documents."""

    indexed: int | None
    """Documents that could be searched; None when no member searched, so that nobody looked."""
    complete: bool = False
    """False when the run ended before the whole folder was indexed; the next run goes on there."""
    skipped: tuple[SkippedDocument, ...] = ()
    """At most 200 of them."""
    skipped_count: int = 0


class FailedTool(_Part):
    """A tool all of whose calls failed for a seat."""

    seat: str
    tool: str
    calls: int
    error: str
    """What the last call said."""


class Used(_Part):
    """What the run used."""

    sources_shown: int = 0
    """Different sources that members were shown."""
    sources_cited: int = 0
    """Of these, how many the answer cites."""
    documents: DocumentsUsed | None = None
    """None when no folder was given."""
    failed_tools: tuple[FailedTool, ...] = ()


class Bill(_Part):
    """Every model call, and sums by stage and over all."""

    total: Totals
    stages: dict[str, Totals]
    calls: tuple[Call, ...]


class PromptSet(_Part):
    """Which prompts a run was made with."""

    version: int
    sha256: str
    """Of all of them together: prompts that were edited in place have another one."""


class ClientCall(_Part):
    """A call of one of the caller's own tools, for the caller to run.

    Send the result back as a tool message with this id, and the run goes on.
    """

    id: str
    """`call_<run id>_<number>`."""
    name: str
    args: dict[str, JsonValue]


class FusionResult(_Part):
    """One deliberation, complete."""

    schema_version: Literal[1] = 1
    run_id: str
    preset: str
    question: str
    mode: Mode
    """In mode `direct` there was no panel and no judge."""
    length: Length = "auto"
    """How long an answer was asked for."""
    prompts: PromptSet | None = None
    """None in results of versions that did not say."""
    answer: str
    """Markdown with numbered links and a source list; with a `response_format` JSON.

    Empty in mode `analysis`, and perhaps beside `tool_calls`.
    """
    tool_calls: tuple[ClientCall, ...] = ()
    """Calls of the `client_tools`; the answer is empty or goes on once they are answered."""
    written_by: str | None
    """The model that wrote it, `seat A` for a member's own answer, None in mode `analysis`."""
    analysis: Analysis | None
    """The judge's last analysis.

    None when no judge managed one (see `degraded`), and without a judge (`ended_by`: no_judge).
    """
    judged_by: str | None
    rounds: int
    """Follow-up rounds that ran."""
    ended_by: Ended | None = None
    """Why no further round was asked; `nothing_open` with rounds left is an early exit."""
    panel_growth: PanelGrowth | None = None
    """What became of an adaptive panel; None when all seats were asked at once."""
    follow_ups: tuple[AskedFollowUp, ...]
    panel: tuple[SeatInfo, ...]
    answers: tuple[MemberAnswer, ...]
    """Every answer of every round, whole."""
    failed_members: tuple[Failure, ...]
    sources: tuple[SourceInfo, ...]
    unverified: tuple[Unverified, ...]
    retention: Retention
    revision: Revision | None = None
    """What the draft had lost and whether a revision took its place; None when nobody was asked to
    look (setting `revision`)."""
    verification: Verification | None = None
    """Whether the cited passages bear out the answer's sentences; None when nobody was asked to
    look (setting `verify`)."""
    images: tuple[ImageInfo, ...] = ()
    """The images of the conversation, and who saw them."""
    image_description: ImageDescription | None = None
    """What the seats that see no images were told; None if nobody needed it, or none was made."""
    dropped: tuple[Dropped, ...]
    """What the `exclude` setting kept from the members."""
    files: tuple[KeptFile, ...] = ()
    """What members left in /work/out, if a folder for it was named."""
    attached: tuple[AttachedFile, ...] = ()
    """The files that came with the question."""
    used: Used = Used()
    warnings: tuple[str, ...] = ()
    """What a reader must know before trusting the answer, in sentences: no source is cited although
    the members had tools, or the documents that were given were not read."""
    degraded: tuple[str, ...]
    """What went worse than asked: see docs/results.md for the codes."""
    notes: tuple[str, ...] = ()
    """The same in sentences, for a reader."""
    bill: Bill
    seconds: float
    started_at: str
    """ISO 8601, UTC."""
