"""What an MCP client gets of a result: structured content beside the text."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.graph.records import Failure, Totals

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
