"""The pictures of a report, as SVG that stands in the page and takes its colours."""

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from langgraph_fusion.evals.losses.records import STAGES, ArmLosses
from langgraph_fusion.evals.report.arm_summary import ArmSummary
from langgraph_fusion.evals.report.pareto import on_front
from langgraph_fusion.evals.report.summary import FUSED, Comparisons
from langgraph_fusion.evals.statistics.estimates import MeanEstimate

_TEXT, _LINE, _MUTED = "#010203", "#040506", "#070809"
_PAGE = {_TEXT: "var(--text)", _LINE: "var(--line)", _MUTED: "var(--muted)"}
"""Colours that no palette has, put for those of the page: it may be dark."""
_SOLO, _FUSED, _ORACLE = "#6b8fb5", "#d9730d", "#8a8f98"
_SERIES = ("#d9730d", "#3b7dbf", "#3f9c6b", "#8a5fc0", "#8a8f98")
_STAGE_COLOURS = {
    "cut": "#b3455f", "dropped": "#d9730d", "changed": "#e0b84c", "check": "#8a5fc0",
    "kept": "#3f9c6b", "unlocated": "#9aa0a8",
}  # fmt: skip
_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names of arms are no formulas
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.labelcolor": _TEXT,
    "axes.edgecolor": _LINE,
    "xtick.color": _MUTED,
    "ytick.color": _TEXT,
    "xtick.labelcolor": _MUTED,
    "grid.color": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
}
_WIDTH = 9.6
_MINUS = "\N{MINUS SIGN}"
_LONGEST = 34
"""Characters of a name."""


def cost_picture(arms: Sequence[ArmSummary]) -> str | None:
    """Score against cost a task, with intervals; the front of what nothing cheaper beats.

    The oracle is shown and is not on the front: nobody can choose like that.
    """
    known = [one for one in arms if one.cost_usd.mean is not None and one.score.mean is not None]
    if len(known) < 2:
        return None
    points = [(one.cost_usd.mean or 0.0, one.score.mean or 0.0) for one in known]
    real = [point for one, point in zip(known, points, strict=True) if one.kind != "oracle"]
    best = {point for point, on in zip(real, on_front(real), strict=True) if on}
    front = [
        point in best and one.kind != "oracle" for one, point in zip(known, points, strict=True)
    ]
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(4.6)
        axes.step(
            *zip(*sorted(best), strict=True), where="post", color=_MUTED, lw=1, ls="--", zorder=1
        )
        for one, (cost, score), on in zip(known, points, front, strict=True):
            axes.errorbar(
                cost, score, yerr=_half(one.score), fmt="o", color=_colour(one), capsize=3, lw=1.4,
                markersize=8, markeredgecolor=_TEXT if on else _colour(one), zorder=3,
            )  # fmt: skip
        _label_points(axes, known, points)
        axes.set(xlabel="dollars a task", ylabel="score")
        if min(cost for cost, _ in points) > 0 and _spread(points) > 20:
            axes.set_xscale("log")
        return _svg(figure, "cost")


def score_picture(arms: Sequence[ArmSummary]) -> str | None:
    """Every arm's mean with its interval, best first."""
    known = sorted(
        (one for one in arms if one.score.mean is not None), key=lambda one: one.score.mean or 0
    )
    if not known:
        return None
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(0.9 + 0.34 * len(known))
        for place, one in enumerate(known):
            _interval(axes, place, one.score, _colour(one))
        _rows(axes, [f"{_short(one.name)} (n = {one.score.n})" for one in known])
        axes.set(xlabel="score, mean over tasks with 95 % interval")
        return _svg(figure, "scores")


def difference_picture(comparisons: Comparisons) -> str | None:
    """Paired differences with intervals beside the line of no difference."""
    known = [one for one in comparisons.differences if one.difference.mean is not None]
    if not known:
        return None
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(0.9 + 0.34 * len(known))
        axes.axvline(0, color=_TEXT, lw=1)
        for place, one in enumerate(reversed(known)):
            low = one.difference.t.low if one.difference.t else 0
            high = one.difference.t.high if one.difference.t else 0
            apart = low > 0 or high < 0
            _interval(axes, place, one.difference, _FUSED if apart else _ORACLE, "+.1f")
        names = [f"{_short(one.first)} {_MINUS} {_short(one.second)}" for one in reversed(known)]
        _rows(axes, names)
        axes.set(xlabel="points, first minus second, on common tasks, with 95 % interval")
        return _svg(figure, comparisons.question)


def group_picture(
    arms: Sequence[ArmSummary], groups: Mapping[str, Mapping[str, MeanEstimate]], name: str
) -> str | None:
    """Bars of some arms side by side in each group: `groups` is arm → group → estimate."""
    names = sorted({group for one in arms for group in groups[one.name]}, reverse=True)
    if len(names) < 2:
        return None
    with matplotlib.rc_context(_STYLE):
        height = 0.8 / len(arms)
        figure, axes = _figure(1.2 + (0.2 + 0.17 * len(arms)) * len(names))
        for number, one in enumerate(arms):
            found = [groups[one.name].get(group) for group in names]
            places = [at - (number - (len(arms) - 1) / 2) * height for at in range(len(names))]
            axes.barh(
                places,
                [(each.mean or 0) if each else 0 for each in found],
                height * 0.9,
                xerr=[_half(each) if each else 0 for each in found],
                color=_SERIES[number % len(_SERIES)],
                error_kw={"ecolor": _TEXT, "lw": 0.8, "alpha": 0.7},
                label=_short(one.name),
            )
        _rows(axes, [_with_n(group, arms, groups) for group in names])
        axes.set(xlabel="score with 95 % interval")
        axes.set_xlim(left=0)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=min(3, len(arms)))
        return _svg(figure, name)


def loss_picture(found: Sequence[ArmLosses]) -> str | None:
    """Points an average task lost of what its members had, by stage."""
    arms = [one for one in found if one.losses]
    if not arms:
        return None
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1.5 + 0.42 * len(arms))
        left = [0.0] * len(arms)
        for stage in STAGES:
            points = [one.stages[stage].points for one in reversed(arms)]
            axes.barh(range(len(arms)), points, 0.7, left=left, color=_STAGE_COLOURS[stage],
                      label=stage)  # fmt: skip
            left = [sum(pair) for pair in zip(left, points, strict=True)]
        _rows(axes, [_short(one.arm) for one in reversed(arms)])
        axes.set(xlabel="points lost on an average task")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=6, columnspacing=1.2,
                    handlelength=1)  # fmt: skip
        return _svg(figure, "losses")


def _figure(height: float) -> tuple[Figure, Axes]:
    figure, axes = pyplot.subplots(figsize=(_WIDTH, height), layout="constrained")
    axes.grid(axis="y", visible=False)
    return figure, axes


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _interval(
    axes: Axes, place: int, estimate: MeanEstimate, colour: str, form: str = ".1f"
) -> None:
    axes.errorbar(
        estimate.mean or 0, place, xerr=_half(estimate), fmt="o", color=colour, capsize=3, lw=1.8,
        markersize=7,
    )  # fmt: skip
    axes.annotate(
        signed(estimate.mean, form), (estimate.mean or 0, place), (0, 6),
        textcoords="offset points", ha="center", va="bottom", fontsize=8.5, color=_TEXT,
    )  # fmt: skip


def _label_points(
    axes: Axes, arms: Sequence[ArmSummary], points: Sequence[tuple[float, float]]
) -> None:
    """Names beside the points; where two would overlap, the lower one goes below."""
    heights: list[tuple[float, float]] = []
    for one, (cost, score) in sorted(zip(arms, points, strict=True), key=lambda pair: -pair[1][1]):
        near = any(abs(score - y) < 1.6 and abs(cost - x) < 0.25 * (x + cost) for x, y in heights)
        heights.append((cost, score))
        axes.annotate(
            _short(one.name), (cost, score), (9, -11 if near else 5), textcoords="offset points",
            fontsize=9, color=_TEXT,
        )  # fmt: skip


def signed(value: float | None, form: str = "+.1f") -> str:
    """A number with the minus sign of the axes."""
    return "" if value is None else format(value, form).replace("-", _MINUS)


def _colour(arm: ArmSummary) -> str:
    return _FUSED if arm.kind in FUSED else _ORACLE if arm.kind == "oracle" else _SOLO


def _half(estimate: MeanEstimate) -> float:
    return (estimate.t.high - estimate.t.low) / 2 if estimate.t else 0.0


def _spread(points: Sequence[tuple[float, float]]) -> float:
    costs = [cost for cost, _ in points]
    return max(costs) / min(costs)


def _with_n(
    group: str, arms: Sequence[ArmSummary], groups: Mapping[str, Mapping[str, MeanEstimate]]
) -> str:
    n = max(found.n for one in arms if (found := groups[one.name].get(group)))
    return f"{_short(group)} ({n})"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _svg(figure: Figure, salt: str) -> str:
    """The figure as an `<svg>` element; the same figure gives the same text."""
    held = StringIO()
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        figure.savefig(held, format="svg", transparent=True, metadata={"Date": None})
    pyplot.close(figure)
    found = held.getvalue()
    found = found[found.index("<svg") :]
    found = re.sub(r"<metadata>.*?</metadata>\s*", "", found, flags=re.DOTALL)
    for colour, variable in _PAGE.items():
        found = found.replace(colour, variable)
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'class="plot" role="img"', found, count=1)
