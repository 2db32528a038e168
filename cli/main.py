"""The `fusion` command. Nothing heavy is imported before a command runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli import commands
from langgraph_fusion.cli.ask import ask
from langgraph_fusion.cli.options import examples

app = typer.Typer(
    name="fusion",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich help takes a quarter of a second
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; this is the console script."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal that is not UTF-8 still gets an answer
    app(prog_name="fusion")


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
) -> None:
    """A panel of models answers, a judge compares, a writer fuses: one cited answer.

    Keys and addresses come from the environment or from a file `.env` in the working directory.
    """
    _load_env(Path(".env"))


def _load_env(path: Path) -> None:
    """Variables of the file that are not set already; most folders have none."""
    if path.is_file():
        from dotenv import load_dotenv

        load_dotenv(path, override=False)


app.command(
    short_help="Ask a panel of models, read one cited answer.",
    epilog=examples(
        'fusion ask "Is the 2024 estimate still right?"',
        'fusion ask --docs notes/ "What did we decide about backups?"',
        "fusion ask -p frontier --budget 2 --save answer.md -f question.txt",
        'fusion ask --panel a/one,b/two --judge c/three --writer d/four "…"',
        'fusion ask --json "…" | jq .analysis.contradictions',
    ),
)(ask)
app.command(
    "presets",
    short_help="List the presets and the keys they need.",
    epilog=examples("fusion presets", "fusion presets --json | jq -r .presets[].name"),
)(commands.list_presets)
app.command(
    "doctor",
    short_help="Check what is there and what is missing, with each fix.",
    epilog=examples("fusion doctor", "fusion doctor --offline", "fusion doctor --json"),
)(commands.examine)
app.command(
    "graph",
    short_help="Draw the deliberation as a Mermaid picture.",
    epilog=examples("fusion graph", "fusion graph --xray -o graph.mmd", "fusion graph -p self"),
)(commands.draw)
app.command(
    "mcp",
    short_help="Serve an MCP client on standard input and output.",
    epilog=examples("fusion mcp", "fusion mcp -p fast --docs notes/ --max-budget 0.50"),
)(commands.serve_mcp)

sandbox = typer.Typer(
    help="Build the sandbox image, remove what crashed runs left behind.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("fusion sandbox build", "fusion sandbox prune"),
)
sandbox.command(
    "build",
    short_help="Build the image members run commands in.",
    epilog=examples("fusion sandbox build"),
)(commands.build_sandbox)
sandbox.command(
    "prune",
    short_help="Remove what crashed runs left behind.",
    epilog=examples("fusion sandbox prune", "fusion sandbox prune --images"),
)(commands.prune_sandbox)
app.add_typer(sandbox, name="sandbox")
