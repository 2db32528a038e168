"""What the judge found, one finding a line, for a screen, a log or a Markdown page."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from langgraph_fusion.graph.wording import listed
from langgraph_fusion.models.text import one_line

Analysis = Mapping[str, Any]
FollowUp = Mapping[str, Any]


class Finding(NamedTuple):
    """A kind (`agree`, `conflict`, …), one or more lines of text, and whether it is open."""

    kind: str
    text: str
    open: bool = False


def source_numbers(sources: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Ids of the sources that the answer cites, with their numbers in its source list."""
    return {one["id"]: one["number"] for one in sources if one.get("number") is not None}


def findings(
    analysis: Analysis,
    follow_ups: Sequence[FollowUp] = (),
    numbers: Mapping[str, int] | None = None,
) -> list[Finding]:
    """Every finding of the analysis in reading order, then the follow-ups that were sent.

    A source that the answer cites gets the number it has there (`source_numbers`), not its id.
    """
    found = [
        *_agreements(analysis),
        *map(_conflict, analysis.get("contradictions", ())),
        *_within(analysis),
        *_premises(analysis),
        *_partly(analysis),
        *_alone(analysis),
        *_gaps(analysis),
        *_suspects(analysis),
        *map(_follow_up, follow_ups),
    ]
    return [one._replace(text=_numbered(one.text, numbers or {})) for one in found]


def findings_markdown(
    analysis: Analysis,
    follow_ups: Sequence[FollowUp] = (),
    numbers: Mapping[str, int] | None = None,
) -> str:
    """The findings as a Markdown list."""
    lines = ["## What the judge found", ""]
    for finding in findings(analysis, follow_ups, numbers):
        first, *rest = finding.text.splitlines()
        lines += [f"- **{finding.kind}:** {first}", *(f"  - {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def _agreements(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("consensus", ()):
        yield Finding("agree", f"{_seats(one['seats'])}: {_with_sources(one['claim'], one)}")


def _conflict(one: Mapping[str, Any]) -> Finding:
    weight = "" if one.get("matters") == "high" else ", minor"
    lines = [f"{one_line(one['topic'])} ({one['status']}{weight})"]
    lines += [f"{side['seat']}: {_with_sources(side['stance'], side)}" for side in one["stances"]]
    if one.get("resolution"):
        lines.append(f"{one['status']}: {one_line(one['resolution'])}")
    return Finding("conflict", "\n".join(lines), open=one["status"] != "resolved")


def _within(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("self_contradictions", ()):
        seats = f"{_seats(one['seats'])}: " if one.get("seats") else ""
        lines = [seats + _with_sources(one["what"], one)]
        if one.get("holds"):
            lines.append(f"holds: {one_line(one['holds'])}")
        yield Finding("at odds", "\n".join(lines), open=_matters(one) and not one.get("holds"))


def _premises(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("shared_premises", ()):
        text = f"{_with_sources(one['premise'], one)}\n{one_line(one['why'])}"
        yield Finding("premise", text, open=_matters(one))


def _partly(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("partial_coverage", ()):
        yield Finding("partly", f"{one_line(one['point'])} (only {_seats(one['seats'])})")


def _alone(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("unique_insights", ()):
        yield Finding("only one", f"{one['seat']}: {_with_sources(one['insight'], one)}")


def _gaps(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("blind_spots", ()):
        yield Finding("gap", one_line(one["gap"]), open=_matters(one))


def _suspects(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("suspect_claims", ()):
        seats = _seats(one.get("seats") or [one["seat"]])
        lines = [f"{seats}: {one_line(one['claim'])}", one_line(one["why"])]
        if one.get("holds_as"):
            lines.append(f"holds as: {one_line(one['holds_as'])}")
        still_open = one.get("status", "open") == "open"
        yield Finding("suspect", "\n".join(lines), open=_matters(one) and still_open)


def _follow_up(one: FollowUp) -> Finding:
    return Finding("asked", f"{_seats(one['seats'])}: {one_line(one['question'])}")


def _with_sources(text: str, finding: Mapping[str, Any]) -> str:
    sources = finding.get("sources") or ()
    return one_line(text) + (f" [{', '.join(sources)}]" if sources else "")


def _seats(letters: Iterable[str]) -> str:
    return listed(letters)


def _matters(one: Mapping[str, Any]) -> bool:
    return bool(one.get("matters") == "high")


def _numbered(text: str, numbers: Mapping[str, int]) -> str:
    """The text with `[A1, B2]` as `[3, B2]`, if the answer cites A1 as its third source."""

    def one_list(found: re.Match[str]) -> str:
        ids = found[1].split(", ")
        return f"[{', '.join(dict.fromkeys(str(numbers.get(id, id)) for id in ids))}]"

    return re.sub(r"\[([A-H]\d+(?:, [A-H]\d+)*)\]", one_list, text)
