"""The `fusion` command. Nothing heavy is imported before a command runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli.commands import keys as key_commands
from langgraph_fusion.cli.commands import smaller as commands
from langgraph_fusion.cli.commands.ask import ask
from langgraph_fusion.cli.commands.serve import serve
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

app.command(
    short_help="Serve the OpenAI API over HTTP.",
    epilog=examples(
        "fusion serve",
        "fusion serve -p budget --max-runs 50 --max-budget 0.50",
        "fusion serve --host 0.0.0.0 --port 80 --keys keys.db --workers 4",
        "curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json' \\",
        '  -d \'{"model": "fusion", "messages": [{"role": "user", "content": "..."}]}\'',
    ),
)(serve)

keys = typer.Typer(
    help="Make, list and remove the API keys of `fusion serve --keys FILE`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples(
        "fusion keys add ada --keys keys.db --per-day 5", "fusion keys list --keys keys.db"
    ),
)
keys.command(
    "add",
    short_help="Make a key and print it, once.",
    epilog=examples(
        "fusion keys add ada --keys keys.db",
        "fusion keys add ci --keys keys.db --per-day 5 --per-run 0.50 --per-minute 10",
    ),
)(key_commands.add_key)
keys.command(
    "list",
    short_help="List the keys and what was charged to them.",
    epilog=examples("fusion keys list --keys keys.db", "fusion keys list --keys keys.db --json"),
)(key_commands.list_keys)
keys.command(
    "remove",
    short_help="Remove a key; servers refuse it at once.",
    epilog=examples("fusion keys remove ada --keys keys.db"),
)(key_commands.remove_key)
app.add_typer(keys, name="keys")
app.command(
    "resume",
    short_help="Go on with a run that was stopped; nothing paid is paid again.",
    epilog=examples("fusion resume", "fusion resume 1f0c", "fusion resume 1f0c --json"),
)(commands.resume_run)

runs = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    epilog=examples("fusion runs", "fusion runs show", "fusion runs show 1f0c --json"),
)
runs.callback(short_help="List stored runs, show one, delete one.")(commands.list_runs)
runs.command(
    "show",
    short_help="Show what happened in a run and what it cost.",
    epilog=examples("fusion runs show", "fusion runs show 1f0c --json | jq .bill"),
)(commands.show_run)
runs.command(
    "delete",
    short_help="Remove a run and all that is stored of it.",
    epilog=examples("fusion runs delete 1f0c"),
)(commands.delete_run)
app.add_typer(runs, name="runs")

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
