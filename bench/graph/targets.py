"""What the project wants of itself, and whether a measurement shows it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.graph.arms import BARE, HTTP, HTTP_TWICE, OURS
from bench.graph.late import HANGS, PANEL_TAIL, SPREAD, TAIL

Row = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """One line: a figure and its bound."""

    name: str
    figure: float
    bound: float
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound


def targets(found: dict[str, list[Row]]) -> Iterator[Target]:
    """Yield every target that was measured; all are ratios within one run, or seconds and MiB."""
    yield from _of_loads(found.get("plain", []))
    for arm in (OURS, HTTP):
        if one := _row(found.get("agentic", []), arm, 1):
            name = f"agentic, single run over critical path, {arm}"
            yield Target(name, one["over_critical"], 1.10)
    yield from _of_late(found.get("late", []))
    for row in found.get("memory", []):
        if row["arm"] == OURS:
            yield Target("MiB a waiting run holds", row["mib_per_waiting_run"], 1.0)
            yield Target(f"MiB left by {row['runs']} further runs", row["left_mib"], 5.0)
    for row in found.get("streams", []):
        yield Target(f"{row['arm']}: ms to the first event", 1000 * row["first_s"], 50)
        yield Target(f"{row['arm']}: ms for the writer's first token", 1000 * row["token_s"], 20)


def _of_loads(rows: list[Row]) -> Iterator[Target]:
    if one := _row(rows, OURS, 1):
        yield Target("plain, single run over critical path", one["over_critical"], 1.04)
    for at in (50, 200):
        ours, bare = _row(rows, OURS, at), _row(rows, BARE, at)
        if ours and bare:
            share = ours["runs_per_s"] / bare["runs_per_s"]
            yield Target(f"runs/s at {at} over bare LangGraph", share, 0.9, at_least=True)
    few, many = _row(rows, OURS, 50), _row(rows, OURS, 200)
    if few and many:
        kept = many["runs_per_s"] / few["runs_per_s"]
        yield Target("runs/s at 200 over runs/s at 50", kept, 1.0, at_least=True)
    once, twice = _row(rows, HTTP, 200), _row(rows, HTTP_TWICE, 200)
    if once and twice:
        gained = twice["runs_per_s"] / once["runs_per_s"]
        name = "HTTP at 200: two workers over one"
        yield Target(name, gained, 1.7, at_least=True, note=_ceiling(once, twice))


def _of_late(rows: list[Row]) -> Iterator[Target]:
    for row in rows:
        if row["late"] in (TAIL, PANEL_TAIL) and row["grace_s"]:
            waits = next(one for one in rows if one["late"] == row["late"])
            share = row["p95_s"] / waits["p95_s"]
            paper = row["on_paper"]["p95_s"] / waits["on_paper"]["p95_s"]
            name = f"{row['late']}, {row['plan']}: p95 over waiting"
            yield Target(name, share, 0.5, note=f"{paper:.2f} on paper")
        if row["late"] == SPREAD and row["grace_s"]:
            heard = row["all_heard"] / row["on_paper"]["all_heard"]
            name = f"{row['late']}, {row['plan']}: heard of those within the grace"
            yield Target(name, heard, 0.9, at_least=True)
        if row["late"] == HANGS:
            name = f"{row['late']}, {row['plan']}: longest run over the deadline"
            yield Target(name, row["runs_s"][-1] / row["deadline_s"], 1.0)


def _ceiling(once: Row, twice: Row) -> str:
    """What two workers could reach if they lost nothing to each other but the machine's cores."""
    cores = len(os.sched_getaffinity(0))
    others = twice["others_cpu_ms"]
    most = min(2 / twice["cpu_ms"], cores / (twice["cpu_ms"] + others)) * once["cpu_ms"]
    return f"at most {most:.2f} on {cores} cores, {others:.1f} ms a run are not the workers'"


def _row(rows: list[Row], arm: str, at: int) -> Row | None:
    return next((row for row in rows if (row["arm"], row["at"]) == (arm, at)), None)
