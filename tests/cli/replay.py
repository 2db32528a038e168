"""A run from a recording in a process of its own: `python -m tests.cli.replay STORY [OPTION]…`.

Stories: `whole`, `slow` (a frame between events), `hangs` (after the first judgement, until it is
stopped), `fails`, `breaks`, `stubborn` (hangs, and then in its clean-up too). Options: `--json`,
`--quiet`, `--verbose`, `--save FILE`. A run that was cleaned up leaves the word `cleaned` in the
file that CLEANED names.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import typer

from langgraph_fusion.cli.display.show_run import show_run
from langgraph_fusion.cli.output import OutputOptions
from langgraph_fusion.graph.calls.steering import Steering
from langgraph_fusion.graph.errors import RunFailed
from tests.cli import recorded


async def story(name: str) -> AsyncGenerator[recorded.Event, None]:
    try:
        if name in {"whole", "slow"}:
            async for event in recorded.replay(recorded.whole_run(), 0.05 * (name == "slow")):
                yield event
            return
        async for event in recorded.replay([*recorded.first_round(), *recorded.judged()]):
            yield event
        if name == "fails":
            raise RunFailed("no member answered", "rate_limited")
        if name == "breaks":
            raise KeyError("a fault of ours")
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(60 if name == "stubborn" else 0.2)
        Path(os.environ.get("CLEANED", os.devnull)).write_text("cleaned")


def main(
    name: str,
    as_json: bool = typer.Option(False, "--json"),
    quiet: bool = False,
    verbose: bool = False,
    save: Path | None = None,
) -> None:
    options = OutputOptions(as_json, save, quiet, verbose)
    shown = show_run(recorded.QUESTION, story(name), options, steering=Steering())
    raise typer.Exit(asyncio.run(shown))


if __name__ == "__main__":
    sys.argv[0] = "replay"
    typer.run(main)
