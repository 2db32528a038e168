"""`fusion runs`: the stored runs, how each ended, and what it cost."""

import asyncio
from typing import Annotated

import typer

from langgraph_fusion.cli import options

command = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    epilog=options.examples("fusion runs", "fusion runs show", "fusion runs show 1f0c --json"),
)


@command.callback()
def list_runs(
    context: typer.Context, as_json: options.AsJson = False, verbose: options.Verbose = False
) -> None:
    """List the runs that are stored, show one, delete one.

    They are in the file or PostgreSQL database that FUSION_RUNS names (`off`: none are kept), else
    in ~/.local/share/langgraph-fusion/runs.db. After 7 days (FUSION_RUNS_DAYS) a run is removed,
    unless it was asked with --keep. Texts of finished runs are kept only then, apart from the
    beginning of the question (FUSION_RUNS_QUESTIONS=0: not even that).
    """
    from langgraph_fusion.cli.errors import report_errors

    if context.invoked_subcommand is not None:
        return
    with report_errors(as_json=as_json, verbose=verbose):
        asyncio.run(_list(as_json=as_json))


@command.command(
    "show",
    short_help="Show what happened in a run and what it cost.",
    epilog=options.examples("fusion runs show", "fusion runs show 1f0c --json | jq .bill"),
)
def show_run(
    run_id: options.RunId = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Show what happened in a run, its bill by seat, and its result if it was kept."""
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, verbose=verbose):
        asyncio.run(_show(run_id, as_json=as_json))


@command.command(
    "delete",
    short_help="Remove a run and all that is stored of it.",
    epilog=options.examples("fusion runs delete 1f0c"),
)
def delete_run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run, or how its id begins.")],
    verbose: options.Verbose = False,
) -> None:
    """Remove a run and everything that is stored of it."""
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(verbose=verbose):
        asyncio.run(_delete(run_id))


async def _list(*, as_json: bool) -> None:
    """Print all runs, the newest first."""
    from langgraph_fusion.cli.display.stored_run import print_table, record_json
    from langgraph_fusion.cli.output import say, write_json
    from langgraph_fusion.cli.run_store import open_stored_runs

    async with open_stored_runs() as runs:
        records = await runs.all()
    if as_json:
        write_json({"runs": [record_json(record) for record in records]})
    elif records:
        print_table(records)
    else:
        say('No runs are stored. `fusion ask "…"` makes one.')


async def _show(run_id: str | None, *, as_json: bool) -> None:
    """Print one run, by default the last."""
    from langgraph_fusion.cli.display.stored_run import print_run, read_run
    from langgraph_fusion.cli.run_store import open_stored_runs

    async with open_stored_runs() as runs:
        record = await (runs.get(run_id) if run_id else runs.latest())
        print_run(await read_run(runs, record), as_json=as_json)


async def _delete(run_id: str) -> None:
    from langgraph_fusion.cli.output import say
    from langgraph_fusion.cli.run_store import open_stored_runs

    async with open_stored_runs() as runs:
        record = await runs.delete(run_id)
    say(f"Run {record.id} is deleted.")
