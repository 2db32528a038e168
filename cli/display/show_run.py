"""Show a run while it runs, print its outcome, and return the exit code."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph_fusion.cli import first_sign
from langgraph_fusion.cli.display.follow import Events, FollowedRun, ShowEvent, follow
from langgraph_fusion.cli.display.keyboard import has_keys
from langgraph_fusion.cli.display.lines import line_display, no_display
from langgraph_fusion.cli.display.model import Event, RunView
from langgraph_fusion.cli.errors import exit_code, report, stopped_json
from langgraph_fusion.cli.output import (
    OutputOptions,
    is_terminal,
    replace_file,
    save,
    say,
    terminal,
    write,
    write_json,
)
from langgraph_fusion.graph.errors import RunFailed

if TYPE_CHECKING:
    from rich.console import Console

    from langgraph_fusion.graph.calls.steering import Steering


async def show_run(
    question: str,
    events: Events,
    options: OutputOptions,
    *,
    docs: str | None = None,
    notices: Sequence[str] = (),
    steering: "Steering | None" = None,
) -> int:
    """Show a run and print its outcome; return the exit code.

    On a terminal keys of the live view control `steering`, that of the run.
    Links to documents of the setting `docs` are printed as paths that can be opened from here.
    `notices` are said when the run has begun, so that what prevents it is said alone.

    The run ends, and what is written down of it is removed, only when the result has been printed.
    """
    console = terminal() if is_terminal(sys.stdout) and not options.as_json else None
    async with aclosing(events):
        said = () if options.quiet else notices
        display = _open_at_first_event(_display(console, options, steering), said)
        followed = await follow(events, display)
        if followed.view.result is None:
            return _print_partial(question, followed, options)
        try:
            _print_result(followed.view, followed.view.result, console, options, docs)
        except RunFailed as error:
            report(error, verbose=options.verbose)
            if followed.view.kept:
                say(f"fusion: nothing is lost; `fusion resume {followed.view.run_id}` prints it")
            return exit_code(error)
        async for _ in events:
            pass
        return 0


@contextmanager
def _open_at_first_event(
    display: AbstractContextManager[ShowEvent], notices: Sequence[str]
) -> Iterator[ShowEvent]:
    """A display that opens with the first event, below the notices."""
    shown: list[ShowEvent] = []
    with ExitStack() as stack:

        def show(view: RunView, event: Event) -> None:
            if not shown:
                first_sign.clear()
                for line in notices:
                    say(line)
                shown.append(stack.enter_context(display))
            shown[0](view, event)

        yield show


def _display(
    console: "Console | None", options: OutputOptions, steering: "Steering | None"
) -> AbstractContextManager[ShowEvent]:
    if options.quiet:
        return no_display()
    if console and not console.is_dumb_terminal and is_terminal(sys.stderr) and not options.verbose:
        from langgraph_fusion.cli.display.live_view import live_display

        return live_display(console, steering if has_keys() else None)
    return line_display(verbose=options.verbose)


def _print_result(
    view: RunView,
    result: Any,
    console: "Console | None",
    options: OutputOptions,
    docs: str | None,
) -> None:
    from langgraph_fusion.cli.display.document_paths import with_document_paths
    from langgraph_fusion.cli.display.result import (
        answer_text,
        kept_files_line,
        print_plain,
        print_rich,
    )

    here = with_document_paths(result, docs, Path.cwd())
    if options.as_json:
        write_json(result, one_line=options.json_lines)
    elif console:
        print_rich(console, view, here, quiet=options.quiet)
    else:
        print_plain(here, quiet=options.quiet)
    if options.out and not options.quiet:
        say(kept_files_line(result, options.out))
    if options.save:
        beside = with_document_paths(result, docs, options.save.parent)
        save(options.save, answer_text(beside), result)
    if options.report:
        _write_report(options.report, result)
        if not options.quiet:
            say(f"report written to {options.report}")


def _write_report(path: Path, result: Any) -> None:
    from langgraph_fusion.cli.report_file import form_of, report_text
    from langgraph_fusion.graph.result import FusionResult

    replace_file("--report", path, report_text(FusionResult.model_validate(result), form_of(path)))


def _print_partial(question: str, followed: FollowedRun, options: OutputOptions) -> int:
    """Print what there is of a run that failed or was stopped; return the exit code."""
    from langgraph_fusion.cli.display.result import partial_json, partial_markdown

    why = followed.stopped_by or followed.error
    assert why is not None
    if options.as_json:
        told = stopped_json(why, partial_json(question, followed.view))
        write_json(told, one_line=options.json_lines)
    elif learned := partial_markdown(followed.view):
        write(learned)
    report(why, verbose=options.verbose)
    if followed.view.run_id and followed.view.kept:
        say(f"fusion: nothing paid is lost; `fusion resume {followed.view.run_id}` goes on")
    return exit_code(why)
