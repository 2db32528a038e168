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

Weight = Literal["high", "low"]
Status = Literal["open", "resolved", "contested"]
Kind = Literal["contradiction", "blind_spot", "partial_coverage", "verify"]


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
    """open, or resolved when the evidence settles it, or contested when it cannot be settled."""
    resolution: str | None = None
    """Which stance holds and by which evidence; null while open."""
    matters: Weight = "high"
    """high if the reader's answer or decision changes with it."""


class PartialCoverage(_Finding):
    id: str = ""
    """P1, P2, …"""
    point: str
    """A part of the question that some answers treat and others leave out."""
    seats: Seats
    """Letters of the answers that treat it."""


class UniqueInsight(_Finding):
    insight: str
    """A useful point that only one answer makes."""
    seat: Seat
    sources: Sources = []


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
    seat: Seat
    why: str
    """Unsupported, contradicted by its own source, or likely invented: which, and how you know."""
    matters: Weight = "low"


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
    partial_coverage: list[PartialCoverage] = []
    unique_insights: list[UniqueInsight] = []
    blind_spots: list[BlindSpot] = []
    suspect_claims: list[SuspectClaim] = []
    follow_ups: list[FollowUp] = []
    """Only what is worth another search; an empty list is a good answer."""
    best_answer: Seat | None = None
    """Letter of the answer to build on."""

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

    def _numbered(self) -> Iterable[tuple[str, list[Any]]]:
        yield "K", self.contradictions
        yield "P", self.partial_coverage
        yield "G", self.blind_spots
        yield "S", self.suspect_claims
        yield "F", self.follow_ups

    def ids(self) -> Iterable[str]:
        """Ids of every finding that a follow-up can be about."""
        for prefix, findings in self._numbered():
            if prefix != "F":
                yield from (finding.id for finding in findings)

    def open_ids(self) -> set[str]:
        """What is unsettled and matters, of contradictions, blind spots and suspect claims."""
        open_now: list[Contradiction | BlindSpot | SuspectClaim] = [
            *(one for one in self.contradictions if one.status == "open"),
            *self.blind_spots,
            *self.suspect_claims,
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
