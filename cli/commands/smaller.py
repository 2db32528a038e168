"""The smaller commands: their options. The work is in modules that are imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli import options


def list_presets(as_json: options.AsJson = False, verbose: options.Verbose = False) -> None:
    """List the presets: panel, judge and writer, and which keys are missing.

    Your own presets are read from the file that FUSION_PRESETS names, else from
    ~/.config/langgraph-fusion/presets.toml.
    """
    import asyncio

    from langgraph_fusion.cli.errors import reported

    with reported(as_json=as_json, verbose=verbose):
        from langgraph_fusion.cli.commands.presets import presets, print_presets

        print_presets(asyncio.run(presets()), as_json=as_json)


def examine(
    as_json: options.AsJson = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nothing beyond this machine.")
    ] = False,
    verbose: options.Verbose = False,
) -> None:
    """Check keys, local servers, Docker, the sandbox image, search and documents, with each fix.

    Exit code 0 unless no panel at all can run here.
    """
    import asyncio

    from langgraph_fusion.cli.errors import FAILED, reported

    with reported(as_json=as_json, verbose=verbose):
        from langgraph_fusion.cli.commands.doctor import can_run, diagnose, print_report
        from langgraph_fusion.cli.quiet import hush

        hush(verbose=verbose)
        checks = asyncio.run(diagnose(offline=offline))
        print_report(checks, as_json=as_json)
    raise typer.Exit(0 if can_run(checks) else FAILED)


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
    from langgraph_fusion.cli.errors import reported

    with reported(verbose=verbose):
        from langgraph_fusion.cli.commands.graph import print_picture
        from langgraph_fusion.cli.input import given
        from langgraph_fusion.cli.quiet import hush

        hush(verbose=verbose)
        print_picture(given({"preset": preset}, panel=panel), xray=xray, file=output)


def serve_mcp(
    preset: options.Preset = None,
    docs: options.Docs = None,
    tools: options.Tools = None,
    exclude: options.Exclude = None,
    set_: options.Assignments = None,
    max_budget: Annotated[
        float | None, typer.Option(metavar="USD", help="No call may spend more.")
    ] = None,
    max_deadline: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="No call may take longer.")
    ] = None,
    verbose: options.Verbose = False,
) -> None:
    """Serve the tool `deliberate` to an MCP client, on standard input and output.

    The options are the settings of every call; the client may choose another preset and most other
    settings, but no folder, network or sandbox of this machine.
    """
    import asyncio

    from langgraph_fusion.cli.errors import reported

    with reported(verbose=verbose):
        from langgraph_fusion.cli.commands.mcp import serve_stdio
        from langgraph_fusion.cli.input import given
        from langgraph_fusion.cli.quiet import hush

        hush(verbose=verbose)
        chosen = {"preset": preset, "docs": docs}
        settings = given(chosen, tools=tools, exclude=exclude, assignments=set_)
        limits = given({"max_budget_usd": max_budget, "max_deadline_s": max_deadline})
        asyncio.run(serve_stdio(settings, limits))


def list_runs(
    context: typer.Context, as_json: options.AsJson = False, verbose: options.Verbose = False
) -> None:
    """List the runs that are stored, show one, delete one.

    They are in the file or PostgreSQL database that FUSION_RUNS names (`off`: none are kept), else
    in ~/.local/share/langgraph-fusion/runs.db. After 7 days (FUSION_RUNS_DAYS) a run is removed,
    unless it was asked with --keep. Texts of finished runs are kept only then.
    """
    import asyncio

    from langgraph_fusion.cli.errors import reported

    if context.invoked_subcommand is not None:
        return
    with reported(as_json=as_json, verbose=verbose):
        from langgraph_fusion.cli.commands.runs import list_runs as listed

        asyncio.run(listed(as_json=as_json))


def show_run(
    run_id: options.RunId = None,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Show what happened in a run, its bill by seat, and its result if it was kept."""
    import asyncio

    from langgraph_fusion.cli.errors import reported

    with reported(as_json=as_json, verbose=verbose):
        from langgraph_fusion.cli.commands.runs import show_run as shown

        asyncio.run(shown(run_id, as_json=as_json))


def delete_run(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run, or how its id begins.")],
    verbose: options.Verbose = False,
) -> None:
    """Remove a run and everything that is stored of it."""
    import asyncio

    from langgraph_fusion.cli.errors import reported

    with reported(verbose=verbose):
        from langgraph_fusion.cli.commands.runs import delete_run as deleted

        asyncio.run(deleted(run_id))


def resume_run(
    run_id: options.RunId = None,
    as_json: options.FullJson = False,
    save: options.Save = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Go on with a run that was stopped, killed or failed: nothing paid is paid again.

    Without an ID it is the last run that can be resumed. Exit codes are those of `fusion ask`.
    """
    import asyncio

    from langgraph_fusion.cli.errors import reported

    with reported(as_json=as_json, verbose=verbose):
        from langgraph_fusion.cli.commands.asking import OutputOptions
        from langgraph_fusion.cli.commands.resume import resume
        from langgraph_fusion.cli.output import check_save
        from langgraph_fusion.cli.quiet import hush

        check_save(save)
        hush(verbose=verbose)
        code = asyncio.run(resume(run_id, OutputOptions(as_json, save, quiet, verbose)))
    raise typer.Exit(code)


def build_sandbox(verbose: options.Verbose = False) -> None:
    """Build the image in which members run their commands. Needs Docker."""
    import asyncio

    from langgraph_fusion.cli.errors import reported

    with reported(verbose=verbose):
        from langgraph_fusion.cli.commands.sandbox import build_image

        asyncio.run(build_image())


def prune_sandbox(
    images: Annotated[bool, typer.Option("--images", help="Remove the image as well.")] = False,
    verbose: options.Verbose = False,
) -> None:
    """Remove containers that a crashed run left behind; those of living runs stay."""
    import asyncio

    from langgraph_fusion.cli.errors import reported

    with reported(verbose=verbose):
        from langgraph_fusion.cli.commands.sandbox import remove_leftovers

        asyncio.run(remove_leftovers(images=images))
