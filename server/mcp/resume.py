"""The MCP tool `resume`: a run that was cancelled or failed goes on where it was."""

import re
from typing import Any

from mcp.types import Tool, ToolAnnotations

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.server.mcp.tools import Deliberated

RESUME = "resume"
READS = ToolAnnotations(readOnlyHint=True, openWorldHint=True)
_RUN_ID = re.compile(r"[0-9a-f]{12}")
"""A whole id: the beginning of one would let a client look for the runs of others."""


def resume_tool() -> Tool:
    run_id = {
        "type": "string",
        "pattern": f"^{_RUN_ID.pattern}$",
        "description": "Of the run, as an error or the first progress notification names it.",
    }
    return Tool(
        name=RESUME,
        title="Go on with a deliberation",
        description=(
            "Go on with a deliberation that was cancelled, timed out or failed, with its own "
            "question and settings. What it has paid for is not paid again."
        ),
        inputSchema={
            "type": "object",
            "properties": {"run_id": run_id},
            "required": ["run_id"],
            "additionalProperties": False,
        },
        outputSchema=Deliberated.model_json_schema(),
        annotations=READS,
    )


def wanted_run(arguments: dict[str, Any]) -> str:
    """The id that the client names; raises ConfigError if it is none."""
    run_id = arguments.get("run_id")
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise ConfigError(
            "give the 12 digits that an error or the progress has named", field="run_id"
        )
    if len(arguments) > 1:
        raise ConfigError(
            "the run has its own question and settings; give its id alone", field="run_id"
        )
    return run_id


def way_on(run_id: str) -> str:
    return f"Nothing paid is lost: `{RESUME}` with run_id {run_id} goes on with this run."
