"""`fusion resume`: go on with a run from where it was."""

import asyncio
from typing import TYPE_CHECKING

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langgraph_fusion.cli.output import OutputOptions
    from langgraph_fusion.graph.resume import Stopped

command = typer.Typer(rich_markup_mode=None)


@command.command(
    epilog=options.examples("fusion resume", "fusion resume 1f0c", "fusion resume 1f0c --json")
)
def resume(
    run_id: options.RunId = None,
    as_json: options.FullJson = False,
    save: options.Save = None,
    report: options.Report = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Go on with a run that was stopped, killed or failed: nothing paid is paid again.

    Without an ID it is the last run that can be resumed and that no client of a server asked; its
    question is said first. Exit codes are those of `fusion ask`.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, quiet=quiet, verbose=verbose):
        from langgraph_fusion.cli.output import (
            OutputOptions,
            check_save,
            check_stdout,
            silence_libraries,
        )
        from langgraph_fusion.cli.report_file import check_report

        check_save(save)
        check_report(report, save)
        check_stdout(save)
        silence_libraries(verbose=verbose)
        output = OutputOptions(as_json, save, quiet, verbose, report=report)
        code = asyncio.run(_resume(run_id, output))
    raise typer.Exit(code)


async def _resume(run_id: str | None, output: "OutputOptions") -> int:
    """Go on, and return the exit code; a run that has finished is shown if its result was kept."""
    from langgraph_fusion.cli.display.show_run import show_run
    from langgraph_fusion.cli.display.stored_run import print_run, read_run
    from langgraph_fusion.cli.output import say
    from langgraph_fusion.cli.run_store import open_stored_runs
    from langgraph_fusion.graph.calls.steering import Steering
    from langgraph_fusion.graph.resume import stopped_run

    async with open_stored_runs() as runs:
        record = await (runs.get(run_id) if run_id else runs.latest(resumable=True))
        if record.now == "finished" and record.keep:
            print_run(await read_run(runs, record), as_json=output.as_json)
            return 0
        stopped = await stopped_run(runs, record.id)
        if not output.quiet:
            say(_going_on(stopped))
        steering = Steering()
        events, docs = stopped.events(runs, steering=steering), stopped.settings.docs
        return await show_run(stopped.question, events, output, docs=docs, steering=steering)


def _going_on(stopped: "Stopped") -> str:
    from langgraph_fusion.cli.display.stored_run import started
    from langgraph_fusion.graph.journal.run_record import beginning_of
    from langgraph_fusion.graph.wording import count

    record = stopped.record
    paid = count(record.total.calls, "paid model call") if record.total else "what was paid"
    return (
        f"Going on with run {record.id} ({record.preset}, started {started(record)}): "
        f"“{beginning_of(stopped.question)}”; {paid} will not be made again."
    )
