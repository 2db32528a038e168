"""`fusion sandbox`: build the image, remove what crashed runs left behind."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from langgraph_fusion.cli import options

command = typer.Typer(
    help="Build the sandbox image, remove what crashed runs left behind.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=options.examples("fusion sandbox build", "fusion sandbox prune"),
)


@command.command(
    "build",
    short_help="Build the image members run commands in.",
    epilog=options.examples("fusion sandbox build"),
)
def build_sandbox(verbose: options.Verbose = False) -> None:
    """Build the image in which members run their commands. Needs Docker."""
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(verbose=verbose):
        asyncio.run(_build())


@command.command(
    "prune",
    short_help="Remove what crashed runs left behind.",
    epilog=options.examples("fusion sandbox prune", "fusion sandbox prune --images"),
)
def prune_sandbox(
    images: Annotated[bool, typer.Option("--images", help="Remove the image as well.")] = False,
    verbose: options.Verbose = False,
) -> None:
    """Remove containers that a crashed run left behind; those of living runs stay."""
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(verbose=verbose):
        asyncio.run(_prune(images=images))


async def _build() -> None:
    """Build the image, with what the engine says on standard error."""
    from langgraph_fusion.cli.output import say, write
    from langgraph_fusion.sandbox import SandboxSettings
    from langgraph_fusion.sandbox.docker.image import build

    settings = SandboxSettings()
    with _engine_errors():
        await build(settings, say)
    write(f"built {settings.image}")


async def _prune(*, images: bool) -> None:
    from langgraph_fusion.cli.output import write
    from langgraph_fusion.graph.wording import count
    from langgraph_fusion.sandbox.docker.image import prune

    with _engine_errors():
        removed = await prune(images=images)
    also = f" and {count(removed.images, 'image')}" if images else ""
    write(f"removed {count(removed.containers, 'container')}{also}")


@contextmanager
def _engine_errors() -> Iterator[None]:
    from langgraph_fusion.graph.errors import RunFailed
    from langgraph_fusion.sandbox import SandboxUnavailable

    try:
        yield
    except SandboxUnavailable as error:
        raise RunFailed(str(error), "sandbox_unavailable") from error
