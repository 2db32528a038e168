"""`fusion graph`: the deliberation of a panel as a Mermaid picture, drawn from the graph itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langgraph_fusion.cli.input import Given

command = typer.Typer(rich_markup_mode=None)


@command.command(
    epilog=options.examples(
        "fusion graph", "fusion graph --xray -o graph.mmd", "fusion graph -p self"
    )
)
def draw(
    preset: options.Preset = None,
    panel: options.Panel = None,
    xray: Annotated[bool, typer.Option("--xray", help="Show every member's own loop.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
    ] = None,
    verbose: options.Verbose = False,
) -> None:
    """Draw the deliberation of a panel as a Mermaid picture, from the graph itself.

    It needs no key: nothing is asked.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(verbose=verbose):
        from langgraph_fusion.cli.input import given_settings
        from langgraph_fusion.cli.output import silence_libraries, write, write_file

        silence_libraries(verbose=verbose)
        mermaid = _mermaid(given_settings({"preset": preset}, panel=panel), xray=xray)
        if output is None:
            write(mermaid)
        else:
            write_file("--output", output, mermaid)


def _mermaid(settings: "Given", *, xray: bool) -> str:
    """Return the picture; `xray` opens every member's agent."""
    from langgraph_fusion.graph.build import create_fusion
    from langgraph_fusion.graph.settings import load_settings

    return create_fusion(load_settings(settings)).get_graph(xray=xray).draw_mermaid()
