"""What LangServe's routes take in: a conversation in text, checked before LangServe reads it.

LangServe itself answers what it cannot read with status 500, or in the midst of a stream.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import Request, Response
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

from langgraph_fusion.graph.conversation import question_at
from langgraph_fusion.graph.preflight.request_check import NO_QUESTION
from langgraph_fusion.server.langserve.failures import naming_failures
from langgraph_fusion.server.openai.protocol_turns import NOT_TEXT

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_CHAT: Any = {"type": "chat", "input": "messages", "output": "messages"}
"""Which parts of input and output the playground draws as a conversation."""
_MESSAGES: Mapping[str, Callable[[str], AnyMessage]] = {
    "human": HumanMessage,
    "ai": AIMessage,
    "system": SystemMessage,
}


def _speaker(message: Any) -> Any:
    return message.get("type") if isinstance(message, dict) else getattr(message, "type", None)


Turn = Annotated[
    Annotated[HumanMessage, Tag("human")]
    | Annotated[AIMessage, Tag("ai")]
    | Annotated[SystemMessage, Tag("system")],
    Discriminator(
        _speaker,
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

    messages: list[Turn] = Field(min_length=1, json_schema_extra={"extra": {"widget": _CHAT}})

    @field_validator("messages")
    @classmethod
    def _ends_with_a_question(cls, messages: list[Any]) -> list[Any]:
        said = [_in_text(message) for message in messages]
        if question_at(said) != len(said) - 1:
            raise ValueError(NO_QUESTION)
        return said


class _One(BaseModel):
    """The body of `invoke` and of the streams, as far as it is checked here."""

    input: Ask


class _Several(BaseModel):
    """The body of `batch`."""

    inputs: list[Ask]


class CheckedRoute(APIRoute):
    """Names the field that is wrong, with status 400, and why a stream failed."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()
        body = _body_of(self.path)
        if body is None:
            return answer

        async def checked(request: Request) -> Response:
            try:
                body.model_validate_json(await request.body())
            except ValidationError as error:
                raise RequestValidationError(error.errors()) from error
            return naming_failures(await answer(request))

        return checked


def _body_of(path: str) -> type[BaseModel] | None:
    name = path.rpartition("/")[2]
    if name == "batch":
        return _Several
    return _One if name in ("invoke", "stream", "stream_log", "stream_events") else None


def _in_text(message: AnyMessage) -> AnyMessage:
    """Its text alone: LangServe sends back what else is in it, and cannot write all of that."""
    parts = message.content if isinstance(message.content, list) else []
    for part in parts:
        if not isinstance(part, str) and not isinstance(part.get("text"), str):
            raise ValueError(NOT_TEXT.format(repr(part.get("type"))))
    return _MESSAGES[message.type](message.text)
