"""What a run writes down as it goes: answers, follow-ups, the bill. JSON-able, checkpointed."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

Kind = Literal["contradiction", "blind_spot", "partial_coverage", "verify"]
Stage = Literal["panel", "judge", "follow_up", "synthesizer", "verify", "describe"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Switch(_Record):
    """A model of a seat that was given up for the next one."""

    model: str
    reason: str
    detail: str = ""


class Failure(_Record):
    """Why a seat gave no answer, or only part of one."""

    seat: str
    model: str
    reason: str
    """One of the reasons of `models.faults`, or `deadline`, `budget`, `quorum`, `tool_loop`."""
    detail: str = ""
    status_code: int | None = None
    round: int = 0


class ToolUse(_Record):
    """How often a member called a tool in one round; calls that were not run do not count."""

    tool: str
    calls: int
    failed: int = 0
    error: str = ""
    """What the last failure said."""


class MemberAnswer(_Record):
    """What one member said in one round; without `text` it failed."""

    seat: str
    model: str
    """The model that wrote it, which may be a fallback of the seat."""
    round: int = 0
    """0 is the first round, 1 the first follow-up round."""
    text: str = ""
    status: Literal["ok", "partial", "failed"]
    """partial: cut off by a limit or an error, what was learned by then is kept."""
    error: Failure | None = None
    truncated: bool = False
    """The model stopped at its output limit."""
    cited: tuple[str, ...] = ()
    """Source ids the text cites, in order of appearance."""
    shown: tuple[str, ...] = ()
    """Ids of the sources its author had been shown by then."""
    tool_calls: int = 0
    tool_errors: int = 0
    searches: int = 0
    """Web searches among the tool calls, without those that failed."""
    tools: tuple[ToolUse, ...] = ()
    """The tools it called, in order of their first call."""
    switches: tuple[Switch, ...] = ()
    cut_short: str | None = None
    """Why it wrote before it had finished its research: `time`, `quorum`, `budget`, `tool_budget`,
    `tool_loop`, or the fault after which its model could not go on."""
    shortened: int = 0
    """Tool results that were sent shortened because the model's context was full."""
    without_tools: bool = False
    """The model takes no tools."""
    seconds: float = 0.0
    asked: tuple[str, ...] = ()
    """Ids of the follow-ups this answers."""


class AskedFollowUp(_Record):
    """A follow-up question that was sent to members."""

    id: str
    round: int
    question: str
    kind: Kind | Literal["user"]
    """user: a question of the user's own, asked while the run worked."""
    about: str
    """Id of the finding it would settle; empty for a question of the user's."""
    seats: tuple[str, ...]


GrowthReason = Literal[
    "agreement", "conflict", "thin_evidence", "too_few_answers", "not_compared", "no_time_or_money"
]


class PanelGrowth(_Record):
    """What became of an adaptive panel after its first answers."""

    first: tuple[str, ...]
    """Seats that answered first."""
    added: tuple[str, ...] = ()
    """Seats that were asked after them."""
    reason: GrowthReason
    """agreement: the first answers were enough; otherwise why more were wanted."""
    about: tuple[str, ...] = ()
    """Ids of the findings behind the reason."""


Ended = Literal[
    "nothing_open",
    "nothing_to_ask",
    "rounds_used",
    "no_time_or_money",
    "not_compared",
    "no_judge",
    "answer_now",
]


class Call(_Record):
    """One model call on the bill, or one search that is charged. `None` is unknown, never zero."""

    kind: Literal["model", "search"] = "model"
    stage: Stage
    seat: str
    """Letter of a member, `judge`, `synthesizer`, `verifier` or `describer`."""
    round: int = 0
    model: str
    """For a search the engine's name."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    cost_source: Literal["provider", "price_table"] | None = None
    seconds: float = 0.0
    waited_s: float = 0.0
    """Seconds before that, in which it waited for its turn at a local server."""
    began_s: float | None = None
    """Seconds after the run began, or was resumed, at which the call was made."""
    error: str | None = None
    """Reason of the failure when the call gave no usable reply.

    `interrupted`: it was under way when the process was stopped, and is not known to have ended.
    """
    carried: bool = False
    """An earlier turn of the conversation paid it: it is on this run's bill, not on this turn's."""


ImageView = Literal["unseen", "described", "seen"]
"""How a seat took part in a run with images: without them, with a description, or seeing them."""


class ImageDescription(_Record):
    """What the models that see no images were told of them."""

    text: str
    model: str
    """Which described them."""
    seat: str
    """Whose model that is: a member's letter, `judge` or `synthesizer`."""


DraftKept = Literal["little_lost", "no_better", "failed"]


class Revision(_Record):
    """What became of the check of a draft against the panel's work, and of its revision."""

    lost: tuple[str, ...] = ()
    """What the draft had lost, a line each: insights, sources, figures, names."""
    kept: Literal["draft", "revision"]
    reason: DraftKept | None = None
    """Why the draft was kept; None when the revision was."""
    brought: int = 0
    """Of what was lost, how much the revision brought back."""
    dropped: int = 0
    """What the revision lost that the draft had, and ids of sources it made up."""


Verdict = Literal["supported", "partly", "not_found"]


class CitationVerdict(_Record):
    """Whether the passages of a cited source bear out what it is cited for."""

    source: str
    """Id of the source, the first one at its address."""
    number: int | None = None
    """Its number in the answer's source list."""
    claim: str
    """What the citation answers for, in the answer's words without ids."""
    verdict: Verdict | None
    """None when it was not checked."""
    quote: str = ""
    """Words of the source on which the verdict rests, if the checking model named some that stand
    there."""
    missing: str = ""
    """What of the claim the passages do not bear out, in the model's words."""


class Verification(_Record):
    """What became of the check of the answer's citations."""

    method: Literal["lexical", "model"]
    """lexical: by words and figures, without a model."""
    model: str | None = None
    """The model that was asked; None without one."""
    citations: tuple[CitationVerdict, ...] = ()
    """Every citation of the answer, in order."""


class CostSum(NamedTuple):
    """What several calls cost together."""

    known_usd: float
    """US dollars, of the calls whose cost is known."""
    unknown: int
    """Calls whose cost is not known; a failed call may have been billed."""

    @property
    def total_usd(self) -> float | None:
        """None as soon as one call's cost is unknown."""
        return None if self.unknown else self.known_usd


def sum_costs(costs: Iterable[float | None]) -> CostSum:
    """Add up costs in US dollars of which some may be unknown."""
    made = list(costs)
    known = round(sum(cost for cost in made if cost is not None), 9)
    return CostSum(known, made.count(None))


class Totals(_Record):
    """Sums over calls. A sum is `None` when a part of it is unknown; `known_…` is the rest."""

    calls: int
    """Of models."""
    failed_calls: int
    searches: int = 0
    """Searches that are charged, also those that failed."""
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    known_cost_usd: float

    @classmethod
    def of(cls, calls: Iterable[Call]) -> "Totals":
        every = list(calls)
        cost = sum_costs(call.cost_usd for call in every)
        made = [call for call in every if call.kind == "model"]
        return cls(
            calls=len(made),
            failed_calls=sum(call.error is not None for call in made),
            searches=len(every) - len(made),
            input_tokens=_sum(call.input_tokens for call in made),
            output_tokens=_sum(call.output_tokens for call in made),
            cached_tokens=_sum(call.cached_tokens for call in made),
            reasoning_tokens=_sum(call.reasoning_tokens for call in made),
            cost_usd=cost.total_usd,
            known_cost_usd=cost.known_usd,
        )


def _sum(values: Iterable[int | None]) -> int | None:
    """Sum of what is known, or None when nothing is: a failed call has no usage to add."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
