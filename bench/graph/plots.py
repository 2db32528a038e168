"""Two pictures: throughput and CPU over concurrency, and how long runs take with late calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Row = dict[str, Any]


def draw(found: dict[str, list[Row]], folder: Path) -> Iterator[Path]:
    """Write the pictures of what was measured, and yield their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    if rows := found.get("plain"):
        yield _loads(rows, folder / "throughput.png")
    if rows := found.get("late"):
        yield _late(rows, folder / "late-calls.png")


def _loads(rows: list[Row], path: Path) -> Path:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    ticks = sorted({row["at"] for row in rows})
    _by_load(left, rows, "runs_per_s")
    left.set(yscale="log", ylabel="runs per second")
    _by_load(right, [row for row in rows if row["at"] > 1], "cpu_ms")
    right.set(ylim=(0, None), ylabel="CPU of the arm, ms a run")
    for axes, shown in ((left, ticks), (right, ticks[1:])):
        axes.set(xscale="log", xlabel="runs at once")
        axes.set_xticks(shown, [str(tick) for tick in shown], minor=False)
        axes.minorticks_off()
    _finish(left, "Plain: throughput")
    _finish(right, "Plain: CPU")
    return _saved(figure, path)


def _by_load(axes: Axes, rows: list[Row], key: str) -> None:
    for arm in dict.fromkeys(row["arm"] for row in rows):
        points = [(row["at"], row[key]) for row in rows if row["arm"] == arm]
        if len(points) > 1:
            axes.plot(*zip(*points, strict=True), marker="o", label=arm)


def _late(rows: list[Row], path: Path) -> Path:
    places = list(dict.fromkeys(row["late"] for row in rows))
    figure, drawn = pyplot.subplots(
        1, len(places), figsize=(4 * len(places), 4), sharey=True, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes, place in zip(drawn[0], places, strict=True):
        for row in (row for row in rows if row["late"] == place):
            runs = row["runs_s"]
            share = [n / len(runs) for n in range(len(runs) + 1)]
            axes.step([0, *runs], share, where="post", label=row["plan"])
        axes.axhline(0.95, color="grey", linewidth=0.8, linestyle=":")
        axes.set(xlabel="seconds of a run", xlim=(0, None), ylim=(0, 1.01))
        _finish(axes, f"late: {place}")
    drawn[0][0].set_ylabel("share of runs that are over")
    return _saved(figure, path)


def _saved(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
    return path


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
