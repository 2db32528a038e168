"""A result arranged as a report shows it: seats with all they did, sources with who used them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.records import CitationVerdict, MemberAnswer
from langgraph_fusion.graph.result import FusionResult, SeatInfo, SourceInfo
from langgraph_fusion.graph.wording import cost_in_words

NOT_VERIFIED = "\n\n## Not verified\n\n"
"""What it writes before the note on what it could not verify."""
_SOURCES = "\n\n## Sources\n\n"
"""What the check writes before the list of sources; a report has a better one."""


@dataclass(frozen=True)
class SourceView:
    """One source, with every id under which members knew it."""

    anchor: str
    """Its place in the page."""
    info: SourceInfo
    """As its first reader was shown it."""
    ids: tuple[str, ...]
    readers: tuple[str, ...]
    """Seats that were shown it."""
    citers: tuple[str, ...]
    """Seats that cite it."""
    verdicts: tuple[CitationVerdict, ...] = ()
    """Whether it bears out what the answer cites it for, where that was checked."""

    @property
    def link(self) -> str | None:
        """Where it can be opened; None for what is not on the web."""
        return self.info.url if self.info.url.startswith(("http://", "https://")) else None

    @property
    def place(self) -> str:
        """The host, or the path of a document."""
        return urlsplit(self.info.url).hostname or "" if self.link else self.info.url


@dataclass(frozen=True)
class SeatView:
    """A member with all its answers."""

    info: SeatInfo
    answers: tuple[MemberAnswer, ...]

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.answers)

    @property
    def tool_calls(self) -> int:
        return sum(one.tool_calls for one in self.answers)

    @property
    def problems(self) -> list[str]:
        """What went wrong, in sentences."""
        failed = [one.error for one in self.answers if one.error]
        switched = [one for answer in self.answers for one in answer.switches]
        return [
            *(f"gave no whole answer: {reason_text(one.reason, one.detail)}" for one in failed),
            *(f"gave up {one.model}: {reason_text(one.reason, one.detail)}" for one in switched),
        ]


class ReportView:
    """What the templates read."""

    def __init__(self, result: FusionResult) -> None:
        self.result = result

    @property
    def title(self) -> str:
        """How the question begins."""
        line = " ".join(self.result.question.split())
        return line if len(line) <= 120 else line[:119].rsplit(" ", 1)[0] + " …"

    @property
    def answer(self) -> str:
        """The answer without the list of sources."""
        if not any(one.number for one in self.result.sources):
            return self.result.answer
        before, _, after = self.result.answer.rpartition(_SOURCES)
        return before or after

    @cached_property
    def sources(self) -> list[SourceView]:
        """The cited ones in the answer's order, then the others."""
        groups = dict[str, list[SourceInfo]]()
        for one in self.result.sources:
            groups.setdefault(one.same_as or one.id, []).append(one)
        views = [self._source(at, id, group) for at, (id, group) in enumerate(groups.items(), 1)]
        return sorted(views, key=lambda one: (one.info.number is None, one.info.number or 0))

    @cached_property
    def anchors(self) -> dict[str, str]:
        """Ids, and numbers of the answer's citations, with the source's place in the page."""
        numbered = {
            str(one.info.number): one.anchor for one in self.sources if one.info.number is not None
        }
        return self.anchors_of_ids | numbered

    @cached_property
    def anchors_of_ids(self) -> dict[str, str]:
        """Ids with the source's place: in the members' own texts a number is no source."""
        return {id: one.anchor for one in self.sources for id in one.ids}

    @cached_property
    def seats(self) -> list[SeatView]:
        return [
            SeatView(one, tuple(a for a in self.result.answers if a.seat == one.seat))
            for one in self.result.panel
        ]

    @property
    def cost(self) -> str:
        return cost_in_words(call.model_dump() for call in self.result.bill.calls)

    @property
    def says_what_is_unverified(self) -> bool:
        """Whether the answer itself ends with a note that names it."""
        return NOT_VERIFIED in self.result.answer

    @property
    def verified(self) -> dict[str, int]:
        """How many citations were checked, and how many are borne out; empty if none was."""
        if self.result.verification is None:
            return {}
        verdicts = [one.verdict for one in self.result.verification.citations]
        return {"supported": verdicts.count("supported"), "total": len(verdicts)}

    @property
    def is_json(self) -> bool:
        """Whether the answer is JSON, as a `response_format` asks for it."""
        try:
            return isinstance(json.loads(self.result.answer), dict | list)
        except (ValueError, RecursionError):
            return False

    @cached_property
    def finding_ids(self) -> set[str]:
        return set(self.result.analysis.ids()) if self.result.analysis else set()

    def settled(self, id: str) -> str:
        """What became of a finding that a follow-up asked about; empty while it is open."""
        found = self.result.analysis
        if found is None:
            return ""
        conflict = next((one.resolution for one in found.contradictions if one.id == id), None)
        suspect = next((one for one in found.suspect_claims if one.id == id), None)
        if suspect and suspect.status != "open":
            return f"{suspect.status}{f': {suspect.holds_as}' if suspect.holds_as else ''}"
        return conflict or ""

    def _source(self, place: int, id: str, group: Sequence[SourceInfo]) -> SourceView:
        first = next((one for one in group if one.id == id), group[0])
        ids = tuple(one.id for one in group)
        citers = (a.seat for a in self.result.answers if set(ids) & set(a.cited))
        checked = self.result.verification.citations if self.result.verification else ()
        verdicts = tuple(one for one in checked if one.source in ids)
        return SourceView(
            f"source-{place}",
            first,
            ids,
            _distinct(one.seat for one in group),
            _distinct(citers),
            verdicts,
        )


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
