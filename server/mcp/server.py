"""The MCP server: the tools `deliberate` and `resume`, whichever transport carries them.

Progress notifications tell how the run goes, the result comes as text and as structured content,
and a request that is cancelled or whose client goes away stops its run.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from importlib.metadata import version
from typing import Any, Protocol

import anyio
from langchain_core.messages import HumanMessage
from mcp.server.lowlevel import Server
from mcp.types import CallToolResult, TextContent, Tool
from starlette.requests import Request

from langgraph_fusion.graph.errors import ConfigError, FusionError, RunFailed
from langgraph_fusion.graph.fusion_tool import DELIBERATE, DESCRIPTION, text_for_model
from langgraph_fusion.graph.presets import preset_descriptions
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.loop_share import off_loop, size_of
from langgraph_fusion.server.mcp.files import FILES_SCHEMA, file_blocks_of
from langgraph_fusion.server.mcp.images import IMAGES_SCHEMA, image_blocks_of
from langgraph_fusion.server.mcp.progress import progress_message
from langgraph_fusion.server.mcp.tools import (
    READS,
    RESUME,
    Deliberated,
    resume_tool,
    run_id_of,
    way_on,
    without_nulls,
)
from langgraph_fusion.server.runs.cancellation import cancel_on_disconnect, finish_cleanup_on_cancel
from langgraph_fusion.server.runs.client_policy import OF_THE_REQUEST, OPERATORS_OWN, ClientPolicy

Json = dict[str, Any]
Events = AsyncGenerator[Json]
HEARTBEAT_S = 15.0
"""The longest silence towards a client: MCP's TypeScript client gives up after 60 seconds."""


class Deliberations(Protocol):
    """How a transport runs deliberations; over HTTP with admission around them."""

    @property
    def kept(self) -> bool:
        """Whether a run that has stopped can go on."""

    def start(
        self, question: HumanMessage, settings: FusionSettings, request: Request | None
    ) -> Events:
        """Begin a run; what came with the question is in it as content blocks."""

    def resume(self, run_id: str, request: Request | None) -> Events:
        """Go on with a run; raises ConfigError if there is none that can."""


_SEATS: dict[str, Json] = {
    "panel": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 8},
    "judge": {"type": "string"},
    "synthesizer": {"type": "string"},
}
"""How seats are described: by their models; a seat with further fields is accepted as well."""


def mcp_server(
    deliberations: Deliberations,
    policy: ClientPolicy,
    base: Mapping[str, Any] | None = None,
    *,
    heartbeat_s: float = HEARTBEAT_S,
) -> "Server[Any, Any]":
    """Return a server to be run over a transport; `base` are settings for every request.

    A client that asks for progress hears something every `heartbeat_s` seconds.
    """
    server: Server[Any, Any] = Server("langgraph-fusion", version=version("langgraph-fusion"))

    async def list_tools() -> list[Tool]:
        return [_tool(), resume_tool()] if deliberations.kept else [_tool()]

    async def call_tool(name: str, arguments: Json) -> CallToolResult:
        try:
            request = server.request_context.request
            if name == DELIBERATE:
                question, settings = _deliberate_arguments(arguments, policy, base or {})
                events = deliberations.start(question, settings, request)
            elif name == RESUME and deliberations.kept:
                events = deliberations.resume(run_id_of(arguments), request)
            else:
                raise ConfigError(f"there is no tool {name!r}; use `{DELIBERATE}`")
            work = _report_progress(server, events, heartbeat_s, kept=deliberations.kept)
            if request is not None:
                work = cancel_on_disconnect(request.receive, work)
            result = await finish_cleanup_on_cancel(work)
            return await off_loop(size_of(result), _content, result)
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
        annotations=READS,
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
        "properties": {"question": question, "files": FILES_SCHEMA, "images": IMAGES_SCHEMA}
        | fields,
        "required": ["question"],
        "additionalProperties": False,
    }


def _field(name: str, field: Json) -> Json:
    kept = {key: value for key, value in field.items() if key not in ("default", "title")}
    return _SEATS[name] | {"description": field["description"]} if name in _SEATS else kept


def _deliberate_arguments(
    arguments: Json, policy: ClientPolicy, base: Mapping[str, Any]
) -> tuple[HumanMessage, FusionSettings]:
    given = without_nulls(arguments)
    media = image_blocks_of(given.pop("images", [])) + file_blocks_of(given.pop("files", []))
    question = given.pop("question", None)
    if not isinstance(question, str) or not question.strip():
        raise ConfigError("it is empty; put the whole question into it", field="question")
    content: Any = [{"type": "text", "text": question}, *media] if media else question
    return HumanMessage(content), policy.settings(given, base)


async def _report_progress(
    server: "Server[Any, Any]", events: Events, heartbeat_s: float, *, kept: bool
) -> Json:
    """Report the run's progress to the client; return its result."""
    result: Json = {}
    run_id = None
    try:
        async with aclosing(events):
            number = 0
            line = "the run waits for its turn"
            async for event in _with_heartbeats(events, heartbeat_s):
                number += 1
                if event is None:
                    await _progress(server, number, f"still at work; last: {line}")
                    continue
                result = event.get("result", result)
                run_id = event.get("run_id", run_id)
                if message := progress_message(event):
                    line = message
                    await _progress(server, number, line)
    except RunFailed as failed:
        if run_id is None or not kept:
            raise
        raise RunFailed(f"{failed}\n{way_on(run_id)}", failed.reason) from failed
    return result


async def _with_heartbeats(events: Events, heartbeat_s: float) -> AsyncGenerator[Json | None]:
    """Yield the events, and None whenever there was none for a while."""
    coming: asyncio.Future[Json] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({coming}, timeout=heartbeat_s)
            if not done:
                yield None
                continue
            event, coming = coming, None
            try:
                yield event.result()
            except StopAsyncIteration:
                return
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})


async def _progress(server: "Server[Any, Any]", number: int, line: str) -> None:
    """Report one more step; their number is unknown, so no total is sent."""
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
