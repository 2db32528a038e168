"""Speed, throughput and memory of a deliberation beside bare references, in one run.

    python -m bench.graph                      # about 25 minutes
    python -m bench.graph --quick              # a few minutes
    python -m bench.graph --only plain late    # some of it
    python -m bench.graph --markdown           # tables to paste into docs/performance.md

Every arm makes the same calls to a model server in a process of its own, and the arms take turns;
compare within one run, as single figures depend on the machine.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.graph import experiments
from bench.graph.late import late
from bench.graph.plots import draw
from bench.graph.size import QUICK, Size
from bench.graph.stage import Server, model_server
from bench.graph.tables import tables

Experiment = Callable[[Server, Size], Awaitable[list[dict[str, Any]]]]
EXPERIMENTS: dict[str, Experiment] = {
    "plain": partial(experiments.loads, agentic=False),
    "agentic": partial(experiments.loads, agentic=True),
    "streams": experiments.streams,
    "late": late,
    "memory": experiments.memory,
}


def main() -> None:
    chosen = _arguments()
    width = None if sys.stdout.isatty() else 150
    console = Console(stderr=chosen.json or chosen.markdown, width=width)
    found = asyncio.run(_measured(chosen, console))
    for path in draw(found, chosen.plots):
        console.print(f"drawn: {path}")
    if chosen.json:
        print(json.dumps(found))


async def _measured(
    chosen: argparse.Namespace, console: Console
) -> dict[str, list[dict[str, Any]]]:
    size = QUICK if chosen.quick else Size()
    found: dict[str, list[dict[str, Any]]] = {}
    async with model_server() as server:
        for name in chosen.only:
            with console.status(f"measuring: {name} ..."):
                found[name] = await EXPERIMENTS[name](server, size)
            _show({name: found[name]}, chosen, console)
    return found


def _show(
    found: dict[str, list[dict[str, Any]]], chosen: argparse.Namespace, console: Console
) -> None:
    """Give the tables of an experiment as soon as it is over: the next one takes minutes."""
    for table in () if chosen.json else tables(found):
        if chosen.markdown:
            print(table.markdown(), end="\n\n", flush=True)
        else:
            table.show(console)


def _arguments() -> argparse.Namespace:
    given = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = list(EXPERIMENTS)
    given.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME",
                       help=f"some of {', '.join(names)}")  # fmt: skip
    given.add_argument("--quick", action="store_true", help="fewer rounds, loads and runs")
    given.add_argument("--json", action="store_true", help="everything as JSON on standard output")
    given.add_argument("--markdown", action="store_true", help="the tables as Markdown")
    given.add_argument("--plots", type=Path, default=Path("build/bench"), metavar="DIR",
                       help="where the pictures go (build/bench)")  # fmt: skip
    if not sys.platform.startswith("linux"):
        given.error("CPU and memory are read from /proc, which only Linux has")
    return given.parse_args()


if __name__ == "__main__":
    main()
