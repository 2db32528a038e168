"""A stored result as one HTML file that loads nothing and runs nothing."""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from langgraph_fusion.evals.calibration import describe
from langgraph_fusion.evals.losses.records import STAGES
from langgraph_fusion.evals.report import plots, words
from langgraph_fusion.evals.report.analysis import Analysed
from langgraph_fusion.evals.report.arm_summary import ArmSummary
from langgraph_fusion.evals.report.headline import headline
from langgraph_fusion.evals.report.summary import FUSED, Summary
from langgraph_fusion.graph.wording import count, duration, tokens
from langgraph_fusion.web.report import style_sheet
from langgraph_fusion.web.templates import environment

MOST_LOSSES = 12
"""Shown of one task."""
_IN_BARS = 4
"""Arms side by side in a picture of bars; the table has all."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Plots carry their colours in attributes; nothing else is allowed."""


def report_page(found: Analysed, *, with_rubric: bool = True) -> str:
    """Return the report.

    With the rubric it quotes criteria, which makes it a copy of the answer key: not for publishing.
    """
    shown = found if with_rubric else found.without_rubric()
    summary = shown.summary
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            found=shown,
            summary=summary,
            title=_title(summary),
            pictures=_pictures(shown),
            with_rubric=with_rubric and bool(found.losses),
            stages=STAGES,
            most_losses=MOST_LOSSES,
            css=Markup(style_sheet() + _own_style()),
            policy=_POLICY,
        )
    )


def _title(summary: Summary) -> str:
    fused = any(one.kind in FUSED for one in summary.arms)
    asked = "does fusion beat its best member?" if fused else "how do the arms differ?"
    return f"{summary.dataset.name}: {asked}"


def _pictures(found: Analysed) -> dict[str, Any]:
    summary = found.summary
    chosen = _for_bars(summary)
    return {
        "cost": _safe(plots.cost_picture(summary.arms)),
        "scores": _safe(plots.score_picture(summary.arms)),
        "differences": [_safe(plots.difference_picture(one)) for one in summary.comparisons],
        "domains": _safe(
            plots.group_picture(chosen, {one.name: one.domains for one in chosen}, "domains")
        ),
        "axes": _safe(plots.group_picture(chosen, {one.name: one.axes for one in chosen}, "axes")),
        "losses": _safe(plots.loss_picture(found.losses)),
    }


def _for_bars(summary: Summary) -> list[ArmSummary]:
    """The first arms that fuse, then the best of the others."""
    fused = [one for one in summary.arms if one.kind in FUSED][: _IN_BARS - 2]
    others = [one for one in summary.arms if one.kind not in FUSED]
    others.sort(key=lambda one: -(one.score.mean or 0))
    return [*fused, *others][:_IN_BARS]


def _safe(svg: str | None) -> Markup | None:
    """What matplotlib drew; it escapes every text in it."""
    return None if svg is None else Markup(svg)


def _own_style() -> str:
    return files(__package__).joinpath("pages/report.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    filters: dict[str, Callable[..., Any]] = {
        "calibration": describe,
        "count": count,
        "dollars": words.dollars,
        "duration": duration,
        "estimate": words.estimate,
        "interval": words.interval,
        "number": words.number,
        "p": words.p_value,
        "percent": words.percent,
        "share": words.share,
        "stage": words.stage,
        "tokens": tokens,
        "verdict": words.verdict,
    }
    made = environment("langgraph_fusion.evals.report", filters)
    made.globals["headline"] = headline
    return made
