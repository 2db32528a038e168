"""The input of LangServe's routes: a conversation in text, checked before LangServe reads it.

LangServe itself answers what it cannot read with status 500, or in the midst of a stream.
"""

import json
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing
from typing import Annotated, Any, cast

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from pydantic import (
    BaseModel,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    WithJsonSchema,
    field_validator,
)
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from langgraph_fusion.graph.preflight.request_check import NO_QUESTION
from langgraph_fusion.graph.request.conversation import question_at
from langgraph_fusion.graph.request.file_blocks import is_file, standard_block
from langgraph_fusion.graph.request.images import is_image, read_block
from langgraph_fusion.server.errors import NOT_TEXT, api_error
from langgraph_fusion.server.json_route import understand
from langgraph_fusion.server.logging import log_surprise

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_CHAT: Any = {"type": "chat", "input": "messages", "output": "messages"}
"""Which parts of input and output the playground draws as a conversation."""
_MESSAGES: Mapping[str, Callable[[str], AnyMessage]] = {
    "human": HumanMessage,
    "ai": AIMessage,
    "system": SystemMessage,
}


def _message_type(message: Any) -> Any:
    kind = message.get("type") if isinstance(message, dict) else getattr(message, "type", None)
    return f"as:{kind}"


Turn = Annotated[
    Annotated[HumanMessage, Tag("as:human")]
    | Annotated[AIMessage, Tag("as:ai")]
    | Annotated[SystemMessage, Tag("as:system")],
    Discriminator(
        _message_type,
        custom_error_type="no_message",
        custom_error_message='write a message as {"type": "human", "content": "…"}',
    ),
    WithJsonSchema({
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["human", "ai", "system"], "default": "human"},
            "content": {"type": "string", "default": ""},
        },
        "required": ["type", "content"],
    }),
]  # fmt: skip
"""LangChain's messages; what this server reads of them is described."""


class Ask(BaseModel):
    """A conversation; the last message is the question."""

    messages: Annotated[list[Turn], Field(fail_fast=True)] = Field(
        min_length=1, max_length=10_000, json_schema_extra={"extra": {"widget": _CHAT}}
    )

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, messages: list[Any]) -> list[Any]:
        read = [_readable(message) for message in messages]
        if question_at(read) != len(read) - 1:
            raise ValueError(NO_QUESTION)
        return read


class _SingleBody(BaseModel):
    """The body of `invoke` and of the streams, as far as it is checked here."""

    input: Ask


class _BatchBody(BaseModel):
    """The body of `batch`."""

    inputs: Annotated[list[Ask], Field(fail_fast=True, max_length=256)]


QUESTION_FIRST = b"<style>div:has(> .content) { order: 1 }</style></head>"
"""The playground's page has its settings above the question; its column can be ordered."""


class CheckedRoute(APIRoute):
    """Names the field that is wrong, with status 400, and why a stream failed."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()
        if "/playground" in self.path:
            return _with_the_question_first(answer)
        body = _body_of(self.path)
        if body is None:
            return answer

        async def checked(request: Request) -> Response:
            await understand(request, _check, body, await request.body(), heavy=False)
            return name_stream_failures(await answer(request))

        return checked


def _check(model: type[BaseModel], body: bytes) -> None:
    try:
        model.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


def _with_the_question_first(answer: Handler) -> Handler:
    async def ordered(request: Request) -> Response:
        response = await answer(request)
        if not response.headers.get("content-type", "").startswith("text/html"):
            return response
        page = bytes(response.body).replace(b"</head>", QUESTION_FIRST)
        return Response(page, response.status_code, media_type="text/html")

    return ordered


def _body_of(path: str) -> type[BaseModel] | None:
    name = path.rpartition("/")[2]
    if name == "batch":
        return _BatchBody
    return _SingleBody if name in ("invoke", "stream", "stream_log", "stream_events") else None


def _readable(message: AnyMessage) -> AnyMessage:
    """Its text, and a user's images and files: LangServe sends back what else is in it, and cannot
    write all of that.
    """
    parts = message.content if isinstance(message.content, list) else []
    blocks = [_block(part, message.type) for part in parts]
    if any(is_image(block) or is_file(block) for block in blocks):
        return HumanMessage(blocks)
    return _MESSAGES[message.type](message.text)


def _block(part: Any, role: str) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if is_image(part) and role == "human":
        return read_block(part)
    if is_file(part) and role == "human":
        return standard_block(part)
    if not isinstance(part.get("text"), str):
        raise ValueError(NOT_TEXT.format(repr(part.get("type"))))
    return {"type": "text", "text": part["text"]}


Events = AsyncGenerator[Any, None]


def name_stream_failures(response: Response) -> Response:
    """The same response; a stream in it names why it failed."""
    if isinstance(response, EventSourceResponse):
        response.body_iterator = _named(cast("Events", response.body_iterator))
    return response


async def _named(events: Events) -> Events:
    try:
        async with aclosing(events):
            async for event in events:
                if event["event"] != "error":
                    yield event
    except Exception as error:  # noqa: BLE001 - the status is sent, the stream has to say it
        said = api_error(error)
        if said.status == 500:
            log_surprise(error)
        data = {"status_code": said.status, "message": str(said)} | said.body
        yield {"event": "error", "data": json.dumps(data)}
