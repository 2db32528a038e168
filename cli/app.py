"""The commands of `fusion`. Nothing heavy is imported before a command runs."""

from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli.lazy_group import lazy_group
from langgraph_fusion.cli.options import examples

_COMMANDS = {
    "ask": "Ask a panel of models, read one cited answer.",
    "chat": "Ask, and ask on, with the earlier answers at hand.",
    "presets": "List the presets and the keys they need.",
    "doctor": "Check what is there and what is missing, with each fix.",
    "graph": "Draw the deliberation as a Mermaid picture.",
    "mcp": "Serve an MCP client on standard input and output.",
    "serve": "Serve the OpenAI API over HTTP.",
    "work": "Do the runs of `fusion serve --engine`, in as many processes as you like.",
    "resume": "Go on with a run that was stopped; nothing paid is paid again.",
    "keys": "Make, list and remove the API keys of `fusion serve --keys PLACE`.",
    "eval": "Measure whether a panel beats its best member, and what it costs.",
    "runs": "List stored runs, show one, delete one.",
    "report": "Turn a finished run into one HTML file to read, send and print.",
    "sandbox": "Build the sandbox image, remove what crashed runs left behind.",
}

app = typer.Typer(
    name="fusion",
    cls=lazy_group("langgraph_fusion.cli.commands", _COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich help takes a quarter of a second
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"fusion {version('langgraph-fusion')}")
        raise typer.Exit


@app.callback(epilog=examples('fusion ask "What changed in HTTP/3?"', "fusion doctor"))
def fusion(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(
            "--env-file", metavar="FILE", help="Take any variables from this file, not from .env."
        ),
    ] = None,
) -> None:
    """A panel of models answers, a judge compares, a writer fuses: one cited answer.

    Keys come from the environment or from a file `.env` in the working directory; addresses and
    everything else from the environment, or from a file that you name with --env-file.
    """
    if env_file is not None or Path(".env").exists():  # most folders have none
        from langgraph_fusion.cli.env_file import load_env_file
        from langgraph_fusion.cli.errors import report_errors

        with report_errors():
            load_env_file(env_file)
