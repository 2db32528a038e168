"""Two pictures: runs per second over concurrency, and how long runs take under a heavy tail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

Row = dict[str, Any]


def draw(found: dict[str, list[Row]], folder: Path) -> Iterator[Path]:
    """Write the pictures of what was measured, and yield their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    if rows := found.get("plain"):
        yield _throughput(rows, folder / "throughput.png")
    if rows := found.get("tails"):
        yield _tails(rows, folder / "heavy-tail.png")


def _throughput(rows: list[Row], path: Path) -> Path:
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for arm in dict.fromkeys(row["arm"] for row in rows):
        points = [(row["at"], row["runs_per_s"]) for row in rows if row["arm"] == arm]
        if len(points) > 1:
            axes.plot(*zip(*points, strict=True), marker="o", label=arm)
    axes.set(xscale="log", yscale="log", xlabel="runs at once", ylabel="runs per second")
    ticks = sorted({row["at"] for row in rows})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    _finish(axes, "Plain runs per second")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return path


def _tails(rows: list[Row], path: Path) -> Path:
    places = list(dict.fromkeys(row["late"] for row in rows))
    figure, drawn = pyplot.subplots(
        1, len(places), figsize=(10, 4.5), sharey=True, layout="constrained", squeeze=False
    )
    for axes, place in zip(drawn[0], places, strict=True):
        for row in (row for row in rows if row["late"] == place):
            runs = row["runs_s"]
            share = [(n + 1) / len(runs) for n in range(len(runs))]
            axes.step(runs, share, where="post", label=row["plan"])
        axes.axhline(0.95, color="grey", linewidth=0.8, linestyle=":")
        axes.set(xlabel="seconds of a run", xlim=(0, None), ylim=(0, 1.01))
        _finish(axes, f"One call in 20 takes 20 times as long ({place})")
    drawn[0][0].set_ylabel("share of runs that are over")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return path


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
