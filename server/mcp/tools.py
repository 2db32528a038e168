"""What an MCP client gets of a result: structured content beside the text."""

import re
from typing import Any

from mcp.types import Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.records import Failure, Totals
from langgraph_fusion.graph.result import AttachedFile, ImageInfo

Json = dict[str, Any]


class CitedSource(BaseModel):
    """A source in the answer's list."""

    number: int
    title: str
    url: str
    retrieved_at: str


class Deliberated(BaseModel):
    """The structured content of a result."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    run_id: str
    preset: str
    answer: str
    """Markdown with numbered links; empty in mode `analysis`."""
    sources: list[CitedSource]
    analysis: Json | None
    """The judge's analysis; null when no judge managed one."""
    failed_members: list[Failure]
    degraded: list[str]
    notes: list[str]
    unverified: list[str]
    """Ids and addresses in the answer that no tool of the run retrieved."""
    verification: Json | None
    """Whether the cited passages bear out the sentences; null unless `verify` asked for it."""
    images: list[ImageInfo] = []
    """The images that came with the question, and which seats saw them."""
    attached: list[AttachedFile] = []
    """The files that came with the question, and why one could not be read."""
    bill: Totals
    """Tokens and US dollars; null is unknown, never zero."""

    @classmethod
    def of(cls, result: Json) -> "Deliberated":
        """The part of a `FusionResult` that a client shows."""
        cited = [one for one in result["sources"] if one["number"] and not one["same_as"]]
        fields = {name: result[name] for name in cls.model_fields if name in result}
        return cls.model_validate(
            fields
            | {
                "sources": sorted(cited, key=lambda one: one["number"]),
                "unverified": [one["text"] for one in result["unverified"]],
                "bill": result["bill"]["total"],
            }
        )


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


def without_nulls(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that are set: many clients send null for what is left out."""
    return {name: value for name, value in arguments.items() if value is not None}


def run_id_of(arguments: dict[str, Any]) -> str:
    """The id that the client names; raises ConfigError if it is none."""
    run_id = arguments.get("run_id")
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise ConfigError(
            "give the 12 digits that an error or the progress has named", field="run_id"
        )
    if len(without_nulls(arguments)) > 1:
        raise ConfigError(
            "the run has its own question and settings; give its id alone", field="run_id"
        )
    return run_id


def way_on(run_id: str) -> str:
    return f"Nothing paid is lost: `{RESUME}` with run_id {run_id} goes on with this run."
