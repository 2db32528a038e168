"""Adaptive panels: two seats answer first, the others only when two answers are not enough.

Code decides, from the judge's analysis: the others are seated when the two contradict each other in
something that matters, or when the evidence is thin, that is when something that matters is missing
or suspect, nothing is agreed, or members that had tools cite no source.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from langgraph_fusion.graph.records import GrowthReason, MemberAnswer, PanelGrowth
from langgraph_fusion.graph.run_context import Run
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.graph.state import FusionState

if TYPE_CHECKING:  # it takes a tenth of a start to build
    from langgraph_fusion.graph.analysis import Analysis

_FIRST_SEATS = 2


def first_seats(settings: FusionSettings) -> list[str]:
    """Letters of the seats that answer before the judge's first look."""
    if settings.mode == "direct":
        return []
    letters = list(settings.letters)
    if settings.panel_growth == "all":
        return letters
    return letters[: max(_FIRST_SEATS, settings.min_answers)]


def too_few(run: Run, state: FusionState) -> PanelGrowth | None:
    """The others at once, without a judge, when too few of the first gave a whole answer."""
    waiting = _waiting(run, state)
    whole = [one for one in state["answers"] if one["status"] == "ok"]
    if not waiting or len(whole) >= max(_FIRST_SEATS, run.settings.min_answers):
        return None
    return _grown(run, state, waiting, "too_few_answers", ())


def growth_after(run: Run, state: FusionState, analysis: "Analysis | None") -> PanelGrowth | None:
    """What the analysis of the first answers says; None when everybody sits already."""
    waiting = _waiting(run, state)
    if not waiting:
        return None
    if analysis is None:
        return _grown(run, state, waiting, "not_compared", ())
    if disputed := _disputed(analysis):
        return _grown(run, state, waiting, "conflict", disputed)
    missing = [one.id for one in analysis.blind_spots if one.matters == "high"]
    missing += [one.id for one in analysis.suspect_claims if one.matters == "high"]
    if missing or not analysis.consensus or _uncited(run, state):
        return _grown(run, state, waiting, "thin_evidence", missing)
    return PanelGrowth(first=tuple(state["seating"]), reason="agreement")


def _waiting(run: Run, state: FusionState) -> list[str]:
    if state["round"] or state["growth"]:
        return []
    return [letter for letter in run.settings.letters if letter not in state["seating"]]


def _grown(
    run: Run, state: FusionState, waiting: list[str], reason: GrowthReason, about: Iterable[str]
) -> PanelGrowth:
    first = tuple(state["seating"])
    if run.limits.allows("panel", 0):
        return PanelGrowth(first=first, added=tuple(waiting), reason=reason, about=tuple(about))
    run.degrade("panel_not_grown", "Seats were left empty: no time or money was left for them.")
    return PanelGrowth(first=first, reason="no_time_or_money", about=tuple(about))


def _disputed(analysis: "Analysis") -> list[str]:
    disputes = (one for one in analysis.contradictions if one.status != "resolved")
    return [one.id for one in disputes if one.matters == "high"]


def _uncited(run: Run, state: FusionState) -> bool:
    """Whether members that had tools rest on no source at all."""
    answers = [MemberAnswer(**one) for one in state["answers"]]
    tooled: Any = any(run.tools_of(one.seat) for one in answers)
    return tooled and not any(one.cited for one in answers)
