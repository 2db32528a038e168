"""The `bash` tool."""

from langchain.tools import ToolRuntime

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.exec_result import describe
from langgraph_fusion.tools.context import ToolContext
from langgraph_fusion.tools.described import described_tool
from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.formatting import plain_text


@described_tool
async def bash(
    command: str,
    timeout_s: float | None = None,
    restart: bool = False,
    *,
    runtime: ToolRuntime[ToolContext],
) -> str:
    """Run a bash command in your own sandbox: Linux with Python 3, no network.

    For calculations, data and checking claims by code. Directory, exported variables and files
    stay until the next call. The output has an id to cite, like [A3]. `timeout_s` ends the command
    after so many seconds. `restart` first kills all processes and forgets directory and variables;
    files stay.
    """
    context = runtime.context
    sandbox = context.sandbox
    if sandbox is None:
        raise ToolFailure("sandbox_unavailable", "There is no sandbox in this run.")
    try:
        result = await sandbox.run(command, timeout_s=timeout_s, restart=restart)
    except SandboxUnavailable as error:
        message = "The sandbox is unavailable. Go on without it."
        raise ToolFailure("sandbox_unavailable", message) from error
    shown = describe(result)
    if result.exit_code is None and not result.output:  # it did not run, or nobody saw what it did
        return shown
    printed = plain_text(f"{result.output.rstrip()}\n[exit {result.exit_code}]")
    await context.shared.screen(context.seat, "bash", printed)
    source = context.shared.sources.add_command(context.seat, command, printed)
    return f"{shown}\n[to cite this output: {source.id}]"
