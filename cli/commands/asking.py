"""The work of `fusion ask`: one question, one deliberation, one answer."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from langgraph_fusion.cli.display.displays import line_display, live_display, no_display
from langgraph_fusion.cli.display.follow import Events, Followed, Show, follow
from langgraph_fusion.cli.display.learned import learned_json, learned_markdown
from langgraph_fusion.cli.display.model import Board
from langgraph_fusion.cli.display.result import answer_of, print_plain, print_rich
from langgraph_fusion.cli.errors import exit_code, json_of_stop, report, reported
from langgraph_fusion.cli.input import Given, given
from langgraph_fusion.cli.kept import check_out, kept_line
from langgraph_fusion.cli.output import check_save, save, say, terminal, write, write_json
from langgraph_fusion.cli.question import read_question
from langgraph_fusion.cli.quiet import hush
from langgraph_fusion.cli.run_store import own_runs

if TYPE_CHECKING:
    from rich.console import Console

    from langgraph_fusion.graph.settings import FusionSettings

_CHOOSES = {"preset", "panel", "judge", "synthesizer"}
"""With one of these the user has chosen models, and no preset is chosen for them."""


@dataclass(frozen=True)
class OutputOptions:
    """How the result is to be shown."""

    as_json: bool = False
    save: Path | None = None
    quiet: bool = False
    verbose: bool = False
    files: tuple[Path, ...] = ()
    """Copied into every member's sandbox."""
    out: Path | None = None
    """Where to keep what members leave."""
    estimate: bool = False
    """Only say what it would cost."""
    keep: bool = False
    """Leave question and result in the store."""


def answered(
    words: str | None,
    file: Path | None,
    wanted: OutputOptions,
    chosen: Mapping[str, Any],
    **lists: Sequence[str] | None,
) -> None:
    """Ask what the command line says; always ends in `typer.Exit`.

    `chosen` are single settings and `lists` those of `given`; None is what the user did not say.
    """
    with reported(as_json=wanted.as_json, verbose=wanted.verbose):
        settings = given(chosen, **lists)
        check_save(wanted.save)
        check_out(wanted.out)
        question = read_question(words, file)
        hush(verbose=wanted.verbose)
        code = asyncio.run(_deliberate(question, settings, wanted))
    raise typer.Exit(code)


async def _deliberate(question: str, settings_given: Given, wanted: OutputOptions) -> int:
    settings = await _settings(settings_given, wanted)
    if wanted.estimate:
        _estimate(question, settings, wanted)
        return 0

    from langgraph_fusion.graph.api import deliberate

    async with own_runs(keep=wanted.keep, quiet=wanted.quiet) as runs:
        events = deliberate(question, settings, files=wanted.files, out=wanted.out, runs=runs)
        return await conducted(question, events, wanted)


def _estimate(question: str, settings: "FusionSettings", wanted: OutputOptions) -> None:
    from langgraph_fusion.cli.commands.estimate import print_estimate
    from langgraph_fusion.graph.preflight.estimate import estimate

    print_estimate(estimate(settings, question), as_json=wanted.as_json, quiet=wanted.quiet)


async def conducted(question: str, events: Events, wanted: OutputOptions) -> int:
    """Show a run and print what came of it; return the exit code.

    Only when the result is out, the run ends, and what is written down of it goes.
    """
    console = terminal() if sys.stdout.isatty() and not wanted.as_json else None
    async with aclosing(events):
        followed = await follow(events, _display(console, wanted))
        if followed.board.result is None:
            return _print_learned(question, followed, wanted)
        _print_result(followed.board, followed.board.result, console, wanted)
        async for _ in events:
            pass
        return 0


async def _settings(settings_given: Given, wanted: OutputOptions) -> "FusionSettings":
    from langgraph_fusion.cli.commands.notice import notice
    from langgraph_fusion.graph.preflight.readiness import default_preset
    from langgraph_fusion.graph.settings import load_settings

    why = ""
    if not _CHOOSES & settings_given.keys():
        name, why = await default_preset()
        settings_given = {**settings_given, "preset": name}
    settings = load_settings(settings_given)
    if not wanted.quiet:
        for line in notice(settings, why):
            say(line)
    return settings


def _display(console: "Console | None", wanted: OutputOptions) -> AbstractContextManager[Show]:
    if wanted.quiet:
        return no_display()
    if console and not console.is_dumb_terminal and sys.stderr.isatty() and not wanted.verbose:
        return live_display(console)
    return line_display(verbose=wanted.verbose)


def _print_result(
    board: Board, result: Any, console: "Console | None", wanted: OutputOptions
) -> None:
    if wanted.as_json:
        write_json(result)
    elif console:
        print_rich(console, board, result, quiet=wanted.quiet)
    else:
        print_plain(result, quiet=wanted.quiet)
    if wanted.out and not wanted.quiet:
        say(kept_line(result, wanted.out))
    if wanted.save:
        save(wanted.save, answer_of(result), result)


def _print_learned(question: str, followed: Followed, wanted: OutputOptions) -> int:
    """Print what there is of a run that failed or was stopped; return the exit code."""
    why = followed.stopped_by or followed.error
    assert why is not None
    if wanted.as_json:
        write_json(json_of_stop(why, learned_json(question, followed.board)))
    elif learned := learned_markdown(followed.board):
        write(learned)
    report(why, verbose=wanted.verbose)
    if followed.board.run_id and followed.board.kept:
        say(f"fusion: nothing paid is lost; `fusion resume {followed.board.run_id}` goes on")
    return exit_code(why)
