"""The MCP server: one tool, `deliberate`, whichever transport carries it.

Progress notifications tell how the run goes, the result comes as text and as structured content,
and a request that is cancelled or whose client goes away stops its run.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from importlib.metadata import version
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from langgraph_fusion.graph.errors import ConfigError, FusionError
from langgraph_fusion.graph.fusion_tool import DELIBERATE, DESCRIPTION, text_for_model
from langgraph_fusion.graph.presets import preset_descriptions
from langgraph_fusion.graph.records import Failure, Totals
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.server.permits import OF_THE_REQUEST, OPERATORS_OWN, Permits
from langgraph_fusion.server.presence import while_present
from langgraph_fusion.server.progress import told
from langgraph_fusion.server.sheltered import sheltered

Json = dict[str, Any]
Deliberations = Callable[[str, FusionSettings, Request | None], AsyncGenerator[Json]]
"""How a transport runs a deliberation; over HTTP with admission around it."""

_SEATS: dict[str, Json] = {
    "panel": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 8},
    "judge": {"type": "string"},
    "synthesizer": {"type": "string"},
}
"""How seats are described: by their models; a seat with further fields is accepted as well."""


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


def mcp_server(
    deliberations: Deliberations, permits: Permits, base: Mapping[str, Any] | None = None
) -> "Server[Any, Any]":
    """Return a server to be run over a transport; `base` are settings for every request."""
    server: Server[Any, Any] = Server("langgraph-fusion", version=version("langgraph-fusion"))

    async def list_tools() -> list[Tool]:
        return [_tool()]

    async def call_tool(name: str, arguments: Json) -> CallToolResult:
        try:
            if name != DELIBERATE:
                raise ConfigError(f"there is no tool {name!r}; use `{DELIBERATE}`")
            question, settings = _wanted(arguments, permits, base or {})
            request = server.request_context.request
            work = _followed(server, deliberations(question, settings, request))
            if request is not None:
                work = while_present(request.receive, work)
            return _content(await sheltered(work))
        except FusionError as error:
            text = TextContent(type="text", text=str(error))
            return CallToolResult(content=[text], isError=True)

    server.list_tools()(list_tools)  # type: ignore[no-untyped-call]
    server.call_tool(validate_input=False)(call_tool)  # ours names the field
    return server


def _tool() -> Tool:
    return Tool(
        name=DELIBERATE,
        title="Deliberate",
        description=DESCRIPTION,
        inputSchema=_input_schema(),
        outputSchema=Deliberated.model_json_schema(),
        annotations=ToolAnnotations(readOnlyHint=True, openWorldHint=True),
    )


def _input_schema() -> Json:
    """The question, and every setting that a client may choose; presets fill in the rest."""
    whole = FusionSettings.model_json_schema()
    fields = {
        name: _field(name, field)
        for name, field in whole["properties"].items()
        if name not in OPERATORS_OWN | OF_THE_REQUEST.keys()
    }
    presets = preset_descriptions()
    fields["preset"] |= {
        "enum": list(presets),
        "description": "; ".join(f"{name}: {what}" for name, what in presets.items()),
    }
    question = {"type": "string", "minLength": 1, "description": "The whole question, in context."}
    return {
        "type": "object",
        "properties": {"question": question} | fields,
        "required": ["question"],
        "additionalProperties": False,
    }


def _field(name: str, field: Json) -> Json:
    kept = {key: value for key, value in field.items() if key not in ("default", "title")}
    return _SEATS[name] | {"description": field["description"]} if name in _SEATS else kept


def _wanted(
    arguments: Json, permits: Permits, base: Mapping[str, Any]
) -> tuple[str, FusionSettings]:
    given = dict(arguments)
    question = given.pop("question", None)
    if not isinstance(question, str) or not question.strip():
        raise ConfigError("question: it is empty; put the whole question into it")
    return question, permits.settings(given, base)


async def _followed(server: "Server[Any, Any]", events: AsyncGenerator[Json]) -> Json:
    """Tell the client about the run while it works; return its result."""
    result: Json = {}
    async with aclosing(events):
        number = 0
        async for event in events:
            result = event.get("result", result)
            if line := told(event):
                number += 1
                await _progress(server, number, line)
    return result


async def _progress(server: "Server[Any, Any]", number: int, line: str) -> None:
    """One step further; how many there will be nobody knows, so there is no total."""
    context = server.request_context
    token = context.meta.progressToken if context.meta else None
    if token is None:
        return
    with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the client went away
        await context.session.send_progress_notification(
            token, number, message=line, related_request_id=str(context.request_id)
        )


def _content(result: Json) -> CallToolResult:
    text = TextContent(type="text", text=text_for_model(result))
    structured = Deliberated.of(result).model_dump(mode="json")
    return CallToolResult(content=[text], structuredContent=structured)
