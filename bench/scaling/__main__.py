"""Servers and workers on one PostgreSQL, while processes die, freeze, race and are cut off.

Each `fusion` has a PID namespace of its own where that is permitted (as root), so that the
processes know of each other what hosts do: what the database says. The models are scripted, on this
machine, and remember every call that was made; what they delivered is what was paid. The moments of
kills and cuts are drawn from a seed.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial

from rich.console import Console
from rich.table import Table

from bench.scaling.experiments.caps import caps
from bench.scaling.experiments.cold_start import cold_start
from bench.scaling.experiments.database import database
from bench.scaling.experiments.drain import drain
from bench.scaling.experiments.kills import kills
from bench.scaling.experiments.overhead import overhead
from bench.scaling.experiments.partition import partition
from bench.scaling.experiments.throughput import throughput
from bench.scaling.experiments.zombie import zombie
from bench.scaling.processes import namespaces
from bench.scaling.report import Row
from bench.scaling.stage import Stage, stage

Experiment = Callable[[Stage, bool, int], Awaitable[list[Row]]]
EXPERIMENTS: dict[str, Experiment] = {
    "kills": kills,
    "zombie": zombie,
    "throughput": throughput,
    "overhead": overhead,
    "caps": caps,
    "drain": drain,
    "partition": partition,
    "cold start": cold_start,
    "database": database,
}
_EXAMPLES = """
examples:
  python -m bench.scaling                        # everything
  python -m bench.scaling --quick                # fewer kills, runs and rounds
  python -m bench.scaling --only kills --seed 7  # other moments
  python -m bench.scaling --markdown             # tables for docs/scaling.md
  python -m bench.scaling --json > figures.json

PostgreSQL of the machine's own packages is needed (Debian: apt-get install postgresql), and the
extra `dbos`. Ctrl-C ends and removes everything that was started. The exit code is 1 if a target
was missed.
"""


def main() -> None:
    chosen = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it cleans up as Ctrl-C does
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 150)
    try:
        found = asyncio.run(_measured(chosen, console))
    except KeyboardInterrupt:
        console.print("Interrupted; what was started has ended.")
        sys.exit(130)
    except RuntimeError as error:
        sys.exit(f"bench.scaling: {error}")
    if chosen.json:
        print(json.dumps({name: [asdict(row) for row in rows] for name, rows in found.items()}))
    missed = [row for rows in found.values() for row in rows if row.met is False]
    sys.exit(1 if missed else 0)


async def _measured(chosen: argparse.Namespace, console: Console) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    if not namespaces():
        console.print("No PID namespaces (not root): a dead process is known to be dead at once.")
    with console.status("starting PostgreSQL and the models ...") as status:

        def say(name: str, what: str) -> None:
            status.update(f"{name}: {what} ...")
            if not console.is_terminal:
                console.print(f"{name}: {what}")

        async with stage() as made:
            for name in chosen.only:
                made.say = partial(say, name)
                made.say("starting")
                found[name] = await EXPERIMENTS[name](made, chosen.quick, chosen.seed)
                _show(name, found[name], chosen, console)
    return found


def _show(name: str, rows: list[Row], chosen: argparse.Namespace, console: Console) -> None:
    """Give the table of an experiment as soon as it is over: the next one takes minutes."""
    if chosen.markdown:
        print(f"**{name}**\n\n| | measured | target |\n|---|---|---|")
        for row in rows:
            missed = " **missed**" if row.met is False else ""
            print(f"| {row.figure} | {row.measured} | {row.target}{missed} |")
        print(flush=True)
        return
    table = Table("", "measured", "target", "", title=name, title_justify="left")
    for row in rows:
        verdict = {True: "[green]met[/]", False: "[red]MISSED[/]", None: ""}[row.met]
        table.add_row(row.figure, row.measured, row.target, verdict)
    (console if chosen.json else Console(width=None if sys.stdout.isatty() else 150)).print(table)


def _arguments() -> argparse.Namespace:
    given = argparse.ArgumentParser(
        prog="python -m bench.scaling", description=__doc__, epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    names = list(EXPERIMENTS)
    given.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME",
                       help=f"some of {', '.join(names)}")  # fmt: skip
    given.add_argument("--quick", action="store_true", help="fewer kills, runs and rounds")
    given.add_argument("--seed", type=int, default=1, help="of all that is drawn (1)")
    given.add_argument("--json", action="store_true", help="all figures on standard output")
    given.add_argument("--markdown", action="store_true", help="the tables as Markdown")
    if not sys.platform.startswith("linux"):
        given.error("signals, memory and namespaces are Linux's here")
    return given.parse_args()


if __name__ == "__main__":
    main()
