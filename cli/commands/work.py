"""`fusion work`: a worker process that does the runs of `fusion serve --engine`."""

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langgraph_fusion.server.engine.queue import Limits

command = typer.Typer(rich_markup_mode=None)


@command.command(
    epilog=options.examples(
        "fusion serve --engine postgresql://fusion@db.example/fusion "
        "--runs postgresql://fusion@db.example/fusion",
        "fusion work --engine postgresql://fusion@db.example/fusion "
        "--runs postgresql://fusion@db.example/fusion",
        "fusion work --engine queue.db --runs runs.db --per-worker 4",
    )
)
def work(
    engine: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            envvar="FUSION_ENGINE",
            help="The queue: a postgresql:// URL, or a SQLite file of one machine.",
        ),
    ],
    runs: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Where runs are kept: the same as the servers'."),
    ] = None,
    per_worker: Annotated[
        int, typer.Option("--per-worker", min=1, help="Runs at the same time in this process.")
    ] = 8,
    total: Annotated[
        int | None, typer.Option(min=1, help="Runs at the same time in all workers together.")
    ] = None,
    per_client: Annotated[
        int | None,
        typer.Option("--per-client", min=1, help="Runs of one key at the same time, in all."),
    ] = None,
    dead_after: Annotated[
        float,
        typer.Option(
            "--dead-after", min=1, metavar="S", help="A worker silent for so long has died."
        ),
    ] = 20.0,
    verbose: options.Verbose = False,
) -> None:
    """Do the runs that `fusion serve --engine` puts into a queue, on this machine or another.

    Start as many workers as you like. When one dies, the others go on with its runs, and pay for
    nothing twice but the calls that were under way. SIGTERM or Ctrl-C hands its runs back at once.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(verbose=verbose):
        from langgraph_fusion.cli.visible_password import warn_of_password
        from langgraph_fusion.graph.journal.store import VARIABLE, default_place
        from langgraph_fusion.server.engine.queue import Limits

        warn_of_password(engine, "--engine", "FUSION_ENGINE")
        warn_of_password(runs or "", "--runs", VARIABLE)
        limits = Limits(total, per_worker, per_client)
        asyncio.run(_work(engine, runs or default_place(), limits, dead_after))


async def _work(engine: str, place: str, limits: "Limits", dead_after_s: float) -> None:
    """Work until SIGINT or SIGTERM.

    Raises:
        ConfigError: If the queue or the store cannot be opened.
    """
    from langgraph_fusion.cli.output import say
    from langgraph_fusion.graph.errors import ConfigError
    from langgraph_fusion.graph.journal.store import open_runs
    from langgraph_fusion.models.http import close_http_client, open_http_client
    from langgraph_fusion.server.app import tune_garbage_collector, warm_up
    from langgraph_fusion.server.engine.worker import Worker
    from langgraph_fusion.server.logging import log_to_stderr

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    log_to_stderr()
    await asyncio.to_thread(warm_up)
    tune_garbage_collector()
    await open_http_client()
    async with open_runs(place, origin="server", dead_after_s=dead_after_s) as runs:
        if runs is None:
            raise ConfigError("workers need a place for runs; name one", field="runs")
        worker = Worker(runs, engine, limits)
        async with worker.at_work():
            say(f"fusion: worker {worker.name} takes up to {limits.per_worker} runs at a time")
            await stopped.wait()
    await close_http_client()
