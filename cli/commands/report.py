"""`fusion report`: a finished run as one file that can be read, sent and printed."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langgraph_fusion.cli import options
from langgraph_fusion.cli.report_file import Form, form_of, report_text

if TYPE_CHECKING:
    from langgraph_fusion.graph.result import FusionResult

command = typer.Typer(rich_markup_mode=None)


@command.command(
    epilog=options.examples(
        "fusion report 1f0c -o run.html",
        'fusion ask "…" --json | fusion report - -o run.html',
        "fusion report result.json --format md | less",
    )
)
def report(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run asked with --keep, or how its id begins; a file that --json or --save "
            "wrote; - reads standard input; else the last run.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write here, not to standard output."),
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option(
            "--format",
            help="By default as the file is named, else html.",
            show_default=False,
        ),
    ] = None,
    verbose: options.Verbose = False,
) -> None:
    """Turn a finished run into a report: why the answer says what it says, and what it cost.

    The HTML is one file without script that loads nothing: answer with passages, what each member
    wrote, what the judge found, a timeline, sources and bill. Texts of finished runs are stored
    only with `fusion ask --keep`; any output of --json can be turned into a report later.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(verbose=verbose):
        _write(report_text(_read(run), form or form_of(output)), output)


def _read(run: str | None) -> "FusionResult":
    """The result that was named.

    Raises:
        ConfigError: If there is none, or no result is stored of it.
    """
    from langgraph_fusion.web.report import read_result

    if run == "-" or (run is not None and (Path(run).is_file() or _is_path(run))):
        return read_result(_json_in(run))
    return read_result(asyncio.run(_stored(run)))


def _is_path(name: str) -> bool:
    """Whether it can only be a file: ids of runs have neither a slash nor an ending."""
    return "/" in name or bool(Path(name).suffix)


def _json_in(name: str) -> Any:
    import json
    import sys

    from langgraph_fusion.graph.errors import ConfigError

    try:
        return json.loads(sys.stdin.read() if name == "-" else Path(name).read_text("utf-8"))
    except (ValueError, RecursionError):
        where = "standard input" if name == "-" else name
        raise ConfigError(f"{where} is not JSON; `fusion ask --json` prints it") from None
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror}") from None


async def _stored(run: str | None) -> Any:
    from langgraph_fusion.cli.display.stored_run import read_run
    from langgraph_fusion.cli.run_store import open_stored_runs
    from langgraph_fusion.graph.errors import ConfigError

    async with open_stored_runs() as runs:
        record = await (runs.get(run) if run else runs.latest())
        stored = await read_run(runs, record)
    if stored.result is None:
        raise ConfigError(
            f"no text of run {record.id} is stored: ask with --keep, or save it with --json"
        )
    return stored.result


def _write(text: str, output: Path | None) -> None:
    from langgraph_fusion.cli.output import say, write, write_file

    if output is None:
        write(text)
        return
    write_file("--output", output, text)
    say(f"written to {output}")
