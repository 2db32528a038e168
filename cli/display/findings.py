"""What the judge found, one finding a line, for a screen, a log or a Markdown page."""

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


def findings(analysis: Analysis, follow_ups: Sequence[FollowUp] = ()) -> list[Finding]:
    """Every finding of the analysis in reading order, then the follow-ups that were sent."""
    return [
        *_agreements(analysis),
        *map(_conflict, analysis.get("contradictions", ())),
        *_partly(analysis),
        *_alone(analysis),
        *_gaps(analysis),
        *_suspects(analysis),
        *map(_asked, follow_ups),
    ]


def findings_markdown(analysis: Analysis, follow_ups: Sequence[FollowUp] = ()) -> str:
    """The findings as a Markdown list."""
    lines = ["## What the judge found", ""]
    for finding in findings(analysis, follow_ups):
        first, *rest = finding.text.splitlines()
        lines += [f"- **{finding.kind}:** {first}", *(f"  - {line}" for line in rest)]
    return "\n".join(lines) + "\n"


def _agreements(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("consensus", ()):
        yield Finding("agree", f"{_seats(one['seats'])}: {_said(one['claim'], one)}")


def _conflict(one: Mapping[str, Any]) -> Finding:
    weight = "" if one.get("matters") == "high" else ", minor"
    lines = [f"{one_line(one['topic'])} ({one['status']}{weight})"]
    lines += [f"{said['seat']}: {_said(said['stance'], said)}" for said in one["stances"]]
    if one.get("resolution"):
        lines.append(f"{one['status']}: {one_line(one['resolution'])}")
    return Finding("conflict", "\n".join(lines), open=one["status"] != "resolved")


def _partly(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("partial_coverage", ()):
        yield Finding("partly", f"{one_line(one['point'])} (only {_seats(one['seats'])})")


def _alone(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("unique_insights", ()):
        yield Finding("only one", f"{one['seat']}: {_said(one['insight'], one)}")


def _gaps(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("blind_spots", ()):
        high = one.get("matters") == "high"
        yield Finding("gap", one_line(one["gap"]), open=high)


def _suspects(analysis: Analysis) -> Iterator[Finding]:
    for one in analysis.get("suspect_claims", ()):
        text = f"{one['seat']}: {one_line(one['claim'])}\n{one_line(one['why'])}"
        yield Finding("suspect", text, open=one.get("matters") == "high")


def _asked(one: FollowUp) -> Finding:
    return Finding("asked", f"{_seats(one['seats'])}: {one_line(one['question'])}")


def _said(text: str, finding: Mapping[str, Any]) -> str:
    sources = finding.get("sources") or ()
    return one_line(text) + (f" [{', '.join(sources)}]" if sources else "")


def _seats(letters: Iterable[str]) -> str:
    return listed(letters)
