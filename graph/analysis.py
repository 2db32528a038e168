"""What the judge returns: a superset of the hosted product's five fields (design 4.3).

The field descriptions are what the judge model reads; they stand here once. Validation is strict
against the seats and sources that were shown: pass them as `context={"seats": …, "sources": …}`.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from langgraph_fusion.graph.records import Kind

Weight = Literal["high", "low"]
Status = Literal["open", "resolved", "contested"]
Standing = Literal["open", "supported", "narrowed", "withdrawn"]
Ground = Literal["evidence", "question", "arithmetic"]
MOST_HIGH = 5
"""Findings that may be `high` in one analysis: when nearly everything matters, nothing does."""


def _known(kind: str) -> AfterValidator:
    def check(value: str, info: ValidationInfo) -> str:
        known = (info.context or {}).get(kind)
        if known is not None and value not in known:
            named = ", ".join(sorted(known)) or "none"
            raise ValueError(f"{value!r} was not shown; the {kind} are: {named}")
        return value

    return AfterValidator(check)


def _bare(value: Any) -> Any:
    """Read `[A3]`, `seat A` and `A` as the same: models decorate ids."""
    if not isinstance(value, str):
        return value
    text = value.strip().strip("[]()\"'").strip()
    return text.split()[-1] if text[:4].lower() in {"seat", "memb"} and " " in text else text


def _list(value: Any) -> Any:
    """Read a single name, or nothing, as a list: models leave the brackets out."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


Seat = Annotated[str, BeforeValidator(_bare), _known("seats")]
Seats = Annotated[list[Seat], BeforeValidator(_list)]
Sources = Annotated[
    list[Annotated[str, BeforeValidator(_bare), _known("sources")]], BeforeValidator(_list)
]


class _Finding(BaseModel):
    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True)


class Consensus(_Finding):
    claim: str
    """A statement that two or more answers make, in one sentence."""
    seats: Seats
    """Letters of the answers that make it."""
    sources: Sources = []
    """Ids of sources shown in the evidence that support it."""
    matters: Weight = "low"


class Stance(_Finding):
    seat: Seat
    stance: str
    """What this answer says on the topic, with its number, date or verdict."""
    sources: Sources = []


class Contradiction(_Finding):
    id: str = ""
    """K1, K2, …; keep the id of an earlier analysis."""
    topic: str
    """What is in dispute, in a few words."""
    stances: Annotated[list[Stance], Field(min_length=1)]
    status: Status = "open"
    """open, or resolved when something decides it, or contested when it cannot be settled."""
    resolution: str | None = None
    """Which stance holds and why; what a contested one hangs on; null while open."""
    resolved_by: Ground | None = None
    """What decides it: evidence that was shown, the question's own facts, or arithmetic."""
    matters: Weight = "high"
    """high if the reader's answer or decision changes with it."""


class SelfContradiction(_Finding):
    id: str = ""
    """X1, X2, …"""
    what: str
    """The two statements that do not go together, each in its own words."""
    seats: Seats = []
    """Letters of the answers that contradict themselves; empty when it is a source."""
    sources: Sources = []
    """Ids of the sources that contradict themselves, or that show it."""
    holds: str | None = None
    """Which of the two holds and why, if that can be said."""
    matters: Weight = "low"


class SharedPremise(_Finding):
    id: str = ""
    """R1, R2, …"""
    premise: str
    """What all or most answers take for granted."""
    why: str
    """Why question or evidence do not bear it out, and what changes without it."""
    sources: Sources = []
    matters: Weight = "low"


class PartialCoverage(_Finding):
    id: str = ""
    """P1, P2, …"""
    point: str
    """A part of the question that some answers treat and others leave out."""
    seats: Seats
    """Letters of the answers that treat it."""
    matters: Weight = "low"


class UniqueInsight(_Finding):
    id: str = ""
    """U1, U2, …"""
    insight: str
    """A useful specific that only one answer has, with its figures and names: not to be lost."""
    seat: Seat
    sources: Sources = []
    matters: Weight = "low"


class BlindSpot(_Finding):
    id: str = ""
    """G1, G2, …"""
    gap: str
    """Something the question asks for that no answer covers."""
    matters: Weight = "low"


class SuspectClaim(_Finding):
    id: str = ""
    """S1, S2, …"""
    claim: str
    """The claim, quoted or closely paraphrased."""
    seats: Seats
    """Letters of all answers that make it."""
    why: str
    """Contradicted by its own source, or likely invented: which, and how you know."""
    status: Standing = "open"
    """supported, narrowed or withdrawn once something settles it."""
    holds_as: str | None = None
    """What is left of a narrowed claim."""
    matters: Weight = "low"
    seat: Annotated[str, Field(json_schema_extra={"readOnly": True})] = ""
    """The first of `seats`."""

    @model_validator(mode="before")
    @classmethod
    def _read_one_seat(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("seat") and not value.get("seats"):
            return {**value, "seats": [value["seat"]]}
        return value

    @model_validator(mode="after")
    def _name_the_first(self) -> Self:
        self.seat = self.seats[0] if self.seats else ""
        return self


class FollowUp(_Finding):
    id: str = ""
    """F1, F2, …"""
    question: str
    """One narrow question that tools can answer, understandable without the answers."""
    kind: Kind
    about: Annotated[str, BeforeValidator(_bare)]
    """Id of the contradiction, blind spot, partial coverage or suspect claim it would settle."""
    seats: Seats
    """Letters of the members to ask; for a contradiction its parties."""


class Analysis(_Finding):
    """The panel's answers compared, not merged."""

    consensus: list[Consensus] = []
    contradictions: list[Contradiction] = []
    self_contradictions: list[SelfContradiction] = []
    shared_premises: list[SharedPremise] = []
    partial_coverage: list[PartialCoverage] = []
    unique_insights: list[UniqueInsight] = []
    blind_spots: list[BlindSpot] = []
    suspect_claims: list[SuspectClaim] = []
    follow_ups: list[FollowUp] = []
    """Only what is worth another search; an empty list is a good answer."""
    best_answer: Seat | None = None
    """Letter of the answer to build on; null if none stands out."""
    best_because: str = ""
    """Why, in one sentence."""

    @model_validator(mode="after")
    def _number_and_link(self) -> Self:
        for prefix, findings in self._numbered():
            _number(prefix, findings)
        ids = set(self.ids())
        for follow_up in self.follow_ups:
            if follow_up.about not in ids:
                named = ", ".join(sorted(ids)) or "none"
                raise ValueError(
                    f"follow_ups: about {follow_up.about!r} names no finding; the ids are: {named}"
                )
        return self

    @model_validator(mode="after")
    def _weigh(self) -> Self:
        """Leave `high` to the first few, by kind of finding and then as the judge orders them."""
        weighed = (one for findings in self._weighed() for one in findings)
        for one in [one for one in weighed if one.matters == "high"][MOST_HIGH:]:
            one.matters = "low"
        return self

    def _weighed(self) -> Iterable[list[Any]]:
        yield self.contradictions
        yield self.suspect_claims
        yield self.self_contradictions
        yield self.shared_premises
        yield self.blind_spots
        yield self.partial_coverage
        yield self.unique_insights
        yield self.consensus

    def _numbered(self) -> Iterable[tuple[str, list[Any]]]:
        yield "K", self.contradictions
        yield "X", self.self_contradictions
        yield "R", self.shared_premises
        yield "P", self.partial_coverage
        yield "U", self.unique_insights
        yield "G", self.blind_spots
        yield "S", self.suspect_claims
        yield "F", self.follow_ups

    def ids(self) -> Iterable[str]:
        """Ids of every finding that a follow-up can be about."""
        for prefix, findings in self._numbered():
            if prefix != "F":
                yield from (finding.id for finding in findings)

    def open_ids(self) -> set[str]:
        """What is unsettled and matters, and may be settled by looking again."""
        open_now: list[Any] = [
            *(one for one in self.contradictions if one.status == "open"),
            *(one for one in self.self_contradictions if not one.holds),
            *self.shared_premises,
            *self.blind_spots,
            *(one for one in self.suspect_claims if one.status == "open"),
        ]
        return {one.id for one in open_now if one.matters == "high"}


def _number(prefix: str, findings: list[Any]) -> None:
    """Give ids to findings that have none, or one that is taken."""
    taken: set[str] = set()
    number = 0
    for finding in findings:
        while not finding.id or finding.id in taken:
            number += 1
            finding.id = f"{prefix}{number}" if f"{prefix}{number}" not in taken else ""
        taken.add(finding.id)
