"""What somebody at a terminal waits for: a start, the first request, and the way out.

    python -m bench.startup
    python -m bench.startup --repeat 3 --markdown

Beside each other, in turn, with models that answer at once: a bare script that imports langgraph,
langchain and langchain-openai and makes one call, and `fusion ask` with three members, a judge and
a writer. Every program has a process of its own and compiled bytecode; a first round is not
counted. CPU is what counts on a busy machine.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console

from bench.graph.cast import JUDGE, MEMBERS, QUESTION, WRITER
from bench.graph.stage import Server, model_server
from bench.graph.tables import Table
from bench.graph.targets import Target
from bench.startup.ready import seconds_until_ready
from bench.startup.timed import Timed, timed

_FUSION = str(Path(sys.executable).with_name("fusion"))
_SEATS = ("--panel", ",".join(MEMBERS), "--judge", JUDGE, "--writer", WRITER)
BARE, PLAIN, TERMINAL = "bare script", "fusion ask", "fusion ask, web tools, on a terminal"


@dataclass(frozen=True)
class Run:
    """One program, run once; seconds after its start."""

    timed: Timed
    first_request_s: float

    @property
    def after_answer_s(self) -> float:
        """From the last word to the end of the process."""
        return self.timed.end_s - self.timed.last_word_s


def main() -> None:
    how = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=how)
    parser.add_argument("--repeat", type=int, default=9, help="rounds that count")
    parser.add_argument("--markdown", action="store_true", help="the tables as Markdown")
    chosen = parser.parse_args()
    runs, ready = asyncio.run(_measure(chosen.repeat))
    for table in (_figures(runs, ready), _targets(runs, ready)):
        print(table.markdown() + "\n") if chosen.markdown else table.show(Console(width=150))


async def _measure(repeat: int) -> tuple[dict[str, list[Run]], list[tuple[float, float]]]:
    runs: dict[str, list[Run]] = {name: [] for name in (BARE, PLAIN, TERMINAL)}
    ready: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with model_server() as server:
            env = _environment(server, Path(folder))
            commands = _commands(server)
            for _ in range(repeat + 1):
                for name, command in commands.items():
                    runs[name].append(await _run(server, command, env, terminal=name == TERMINAL))
                ready.append(await asyncio.to_thread(seconds_until_ready, env))
    return {name: all_[1:] for name, all_ in runs.items()}, ready[1:]


def _environment(server: Server, folder: Path) -> dict[str, str]:
    """The user's, with bytecode that is kept, whatever this process was told about it."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "OPENROUTER_BASE_URL": f"{server.url}/v1",
        "OPENROUTER_API_KEY": "bench",
        "FUSION_RUNS": str(folder / "runs.db"),
        "FUSION_PRESETS": str(_preset(folder)),
        "TERM": "xterm-256color",
    }


def _preset(folder: Path) -> Path:
    preset = {"panel": list(MEMBERS), "judge": JUDGE, "synthesizer": WRITER}
    path = folder / "presets.toml"
    path.write_text("[bench]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in preset.items()))
    return path


def _commands(server: Server) -> dict[str, list[str]]:
    ask = [_FUSION, "ask", *_SEATS]
    return {
        BARE: [sys.executable, "-m", "bench.startup.bare", f"{server.url}/v1"],
        PLAIN: [*ask, "--tools", "none", QUESTION],
        TERMINAL: [*ask, "--tools", "web_search,web_fetch", QUESTION],
    }


async def _run(
    server: Server, command: Sequence[str], env: Mapping[str, str], *, terminal: bool
) -> Run:
    await server.set("constant:0")
    measured = await asyncio.to_thread(timed, command, env, terminal=terminal)
    first = (await server.counts())["first_at"]
    return Run(measured, first - measured.began)


def _figures(runs: Mapping[str, Sequence[Run]], ready: Sequence[tuple[float, float]]) -> Table:
    head = ["", "first word, s", "first request, s", "answer to exit, s", "whole run, s", "CPU, s"]
    lines = [head]
    for name, all_ in runs.items():
        figures = (
            median(run.timed.first_word_s for run in all_),
            median(run.first_request_s for run in all_),
            median(run.after_answer_s for run in all_),
            median(run.timed.end_s for run in all_),
            median(run.timed.cpu_s for run in all_),
        )
        lines.append([name, *(f"{figure:.3f}" for figure in figures)])
    seconds, cpu = (median(column) for column in zip(*ready, strict=True))
    lines.append(["fusion serve, until it is ready", "", "", "", f"{seconds:.3f}", f"{cpu:.3f}"])
    return Table(f"Medians of {len(runs[BARE])} runs in turn", lines)


def _targets(runs: Mapping[str, Sequence[Run]], ready: Sequence[tuple[float, float]]) -> Table:
    bare, plain, shown = runs[BARE], runs[PLAIN], runs[TERMINAL]
    called = median(r.first_request_s for r in plain) / median(r.first_request_s for r in bare)
    whole = median(r.timed.end_s for r in plain) / median(r.timed.end_s for r in bare)
    cpu = median(r.timed.cpu_s for r in plain) / median(r.timed.cpu_s for r in bare)
    targets = [
        Target("first word on the terminal, s", median(r.timed.first_word_s for r in shown), 0.15),
        Target("first request over the bare script's", called, 1.0),
        Target("whole run over the bare script's", whole, 1.1),
        Target("CPU of the whole run over the bare script's", cpu, 1.1),
        Target("`fusion serve` ready, s", median(one[0] for one in ready), 3.0),
    ]
    verdicts = [
        [one.name, f"≤ {one.bound:g}", f"{one.figure:.3f}", "met" if one.met else "**not met**"]
        for one in targets
    ]
    return Table("Targets", [["target", "wanted", "measured", ""], *verdicts])


if __name__ == "__main__":
    main()
