"""Open what came with a question again, in a run that does not begin with `prepare`."""

from collections.abc import Sequence

from langchain_core.messages import AnyMessage

from langgraph_fusion.graph.preflight.open_images import open_images
from langgraph_fusion.graph.preflight.read_files import read_given_files
from langgraph_fusion.graph.run_context import Run


async def open_given(run: Run, messages: Sequence[AnyMessage], question: str) -> None:
    """Read the files and open the images; what cannot be read is in the run's `degraded`."""
    await open_images(run, await read_given_files(run, messages), question)
