"""`fusion sandbox build` and `fusion sandbox prune`."""

from langgraph_fusion.cli.display.format import count
from langgraph_fusion.cli.output import say, write
from langgraph_fusion.graph.errors import RunFailed
from langgraph_fusion.sandbox import SandboxSettings, SandboxUnavailable
from langgraph_fusion.sandbox.image import build, prune


async def build_image() -> None:
    """Build the image, with what the engine says on standard error.

    Raises:
        RunFailed: If no engine answers or the build fails.
    """
    settings = SandboxSettings()
    try:
        await build(settings, say)
    except SandboxUnavailable as error:
        raise RunFailed(str(error), "sandbox_unavailable") from error
    write(f"built {settings.image}")


async def remove_leftovers(*, images: bool) -> None:
    """Remove containers whose owner is gone, and if asked the images too.

    Raises:
        RunFailed: If no engine answers.
    """
    try:
        removed = await prune(images=images)
    except SandboxUnavailable as error:
        raise RunFailed(str(error), "sandbox_unavailable") from error
    also = f" and {count(removed.images, 'image')}" if images else ""
    write(f"removed {count(removed.containers, 'container')}{also}")
