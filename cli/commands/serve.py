"""`fusion serve`: its options. The work is in `serving.py`, which is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli import options

_Keys = Annotated[
    Path | None,
    typer.Option("--keys", metavar="FILE", help="Ask clients for a key of this file."),
]


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; --max-runs and --queue are per process.")
    ] = 1,
    preset: options.Preset = None,
    keys: _Keys = None,
    max_runs: Annotated[
        int, typer.Option("--max-runs", min=1, help="Deliberations at the same time.")
    ] = 32,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests that may wait; further ones get 429.")
    ] = 64,
    models: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Models clients may seat, as `openrouter:*`."),
    ] = None,
    max_budget: Annotated[
        float | None, typer.Option("--max-budget", metavar="USD", help="No run costs more.")
    ] = None,
    max_deadline: Annotated[
        float | None, typer.Option("--max-deadline", metavar="S", help="No run takes longer.")
    ] = None,
    trust_clients: Annotated[
        bool,
        typer.Option("--trust-clients", help="Let clients set docs, networks and sandbox."),
    ] = False,
    runs: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Where runs are kept for `fusion resume`; off."),
    ] = None,
    grace: Annotated[
        float, typer.Option(min=0, metavar="S", help="After SIGTERM, time for runs to finish.")
    ] = 30.0,
    log_prompts: Annotated[
        bool, typer.Option("--log-prompts", help="Write questions and answers into the log.")
    ] = False,
    verbose: options.Verbose = False,
) -> None:
    """Serve the OpenAI API: /v1/chat/completions, /v1/responses and /v1/models.

    Any OpenAI client works: set its base URL, and a model such as `fusion` or `fusion/budget`. The
    log goes to standard error, one JSON object a line. Ctrl-C or SIGTERM stops taking requests and
    lets runs finish; a second one does not wait.
    """
    from langgraph_fusion.cli.errors import reported

    with reported(verbose=verbose):
        from langgraph_fusion.cli.commands.serving import Listening, serve_http

        serve_http(
            Listening(host, port, workers),
            preset=preset,
            keys=keys,
            max_runs=max_runs,
            queue=queue,
            models=models,
            max_budget_usd=max_budget,
            max_deadline_s=max_deadline,
            any_setting=trust_clients,
            runs=runs,
            grace_s=grace,
            log_prompts=log_prompts,
        )
