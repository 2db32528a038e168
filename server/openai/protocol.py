"""The bodies of the two OpenAI requests, with what the hosted product and we add to them.

docs/openai-api.md lists what is honoured, ignored and refused. Unknown fields are ignored, because
newer clients send newer ones; inside Fusion's own objects an unknown field is an error that names
it.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    PrivateAttr,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticSerializationError, to_json

from langgraph_fusion.graph.request.file_blocks import check_file
from langgraph_fusion.graph.request.images import is_image, read_block
from langgraph_fusion.models.providers import ReasoningEffort
from langgraph_fusion.server.errors import NOT_TEXT
from langgraph_fusion.server.openai.openapi import Described, FusionField
from langgraph_fusion.server.openai.protocol_tools import (
    Body,
    ChatChoice,
    ChatFormat,
    ChatTool,
    ResponsesChoice,
    ResponsesFormat,
    ResponsesTool,
)
from langgraph_fusion.server.openrouter.protocol import Plugin, Reasoning

MAX_TURNS = 10_000
"""Entries of a conversation, and parts of one of them."""
MAX_TOOLS = 256
"""Tools of a request, of which 128 may be the client's own; and calls of a turn."""


class ImageUrl(Body):
    url: str
    """Its https address, or a data URL with the image in it."""
    detail: str | None = None


class SentFileBody(Body):
    """The file of a chat part."""

    filename: str | None = None
    file_data: str | None = None
    """The file as a data URL, or in base64."""
    file_id: str | None = None
    """Refused: files stored at OpenAI are not known here."""


class Part(Body):
    """A part of a message: text, or in a user's message an image or a file."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None
    """png, jpeg, gif or webp; an object in chat completions, a string in responses."""
    detail: str | None = None
    file: SentFileBody | None = None
    """Chat completions: `type: file`."""
    filename: str | None = None
    file_data: str | None = None
    """Responses, `type: input_file`: the file as a data URL, or in base64."""
    file_url: str | None = None
    """Responses, `type: input_file`: its address, fetched by this server."""
    file_id: str | None = None
    _image: dict[str, Any] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _can_be_read(self) -> "Part":
        if is_image({"type": self.type}):
            self._image = read_block(self.model_dump(exclude_none=True))
        elif self.is_file:
            check_file(self.block)
        elif self.said is None:
            raise ValueError(NOT_TEXT.format(repr(self.type)))
        return self

    @property
    def said(self) -> str | None:
        readable = self.type in ("text", "input_text", "output_text", "refusal")
        return (self.text if self.text is not None else self.refusal) if readable else None

    @property
    def is_file(self) -> bool:
        return self.type in ("file", "input_file")

    @property
    def block(self) -> dict[str, Any]:
        """The part as LangChain's content block."""
        if self.is_file:
            return self.model_dump(exclude_none=True)
        return self._image or {"type": "text", "text": self.said or ""}

    @property
    def is_image(self) -> bool:
        return self._image is not None


def _text_or_parts(value: Any) -> str | None:
    if isinstance(value, str):
        return "as:text"
    return "as:parts" if isinstance(value, list) else None


_BY_KIND = Discriminator(
    _text_or_parts, custom_error_type="no_text", custom_error_message="write text, or a list"
)


Content = (
    Annotated[
        Annotated[str, Tag("as:text")]
        | Annotated[list[Part], Field(fail_fast=True, max_length=MAX_TURNS), Tag("as:parts")],
        _BY_KIND,
    ]
    | None
)
"""Text or parts; the tags keep errors to the form that was sent."""


def _no_media(content: Content, whose: str) -> None:
    for part in content if isinstance(content, list) else ():
        if part.is_image or part.is_file:
            kind = "images" if part.is_image else "files"
            raise ValueError(
                f"{kind} are read in messages of the role `user`, and this is {whose}; send it "
                "there"
            )


class CalledFunction(Body):
    name: str
    arguments: str


class CalledTool(Body):
    """A call of the client's tool in an earlier assistant turn."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content = None
    name: str | None = None
    tool_calls: Annotated[list[CalledTool], Field(fail_fast=True, max_length=MAX_TOOLS)] | None = (
        None
    )
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _tool_turn_says_what_it_answers(self) -> "ChatMessage":
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("a `tool` message needs the `tool_call_id` that it answers")
        return self

    @model_validator(mode="after")
    def _media_are_a_users(self) -> "ChatMessage":
        if self.role != "user":
            _no_media(self.content, f"one of `{self.role}`")
        return self


class InputItem(Body):
    """An item of the `input` list: a message, a call, its output, or what we sent earlier."""

    model_config = ConfigDict(extra="allow")

    type: str | None = None
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Content = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: Content = None
    id: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "InputItem":
        needed = {
            "message": ("role", "content"),
            "function_call": ("call_id", "name", "arguments"),
            "function_call_output": ("call_id", "output"),
            "openrouter:fusion": (),
            "reasoning": (),
            "item_reference": ("id",),
        }.get(self.kind)
        if needed is None:
            raise ValueError(
                f"an item of type {self.type!r} cannot be read; send messages, function calls and "
                "their outputs"
            )
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"an item of type {self.kind!r} needs `{name}`")
        _no_media(self.output, "the output of a tool")
        if self.role not in (None, "user"):
            _no_media(self.content, f"one of `{self.role}`")
        return self

    @property
    def kind(self) -> str:
        return self.type or "message"


_MAX_METADATA = 64
_MAX_SETTINGS = 100
_Key = Annotated[str, Field(max_length=64)]
_Value = Annotated[str, Field(max_length=512)]
Name = Annotated[str, Field(min_length=1, max_length=300)]


class StreamOptions(Body):
    include_usage: bool = False


class FusionRequest(Body):
    """What both requests share."""

    model: Name
    """`fusion`, `fusion/<preset>`, `openrouter/fusion`, `openrouter/fusion-flash`, or the outer
    model of a request that carries the plugin or the `openrouter:fusion` tool."""
    stream: bool | None = False
    temperature: float | None = Field(default=None, ge=0, le=2)
    """For the synthesizer."""
    parallel_tool_calls: bool | None = None
    """`false`: the synthesizer calls one of the client's tools at a time."""
    plugins: Annotated[list[Plugin], Field(fail_fast=True, max_length=32)] | None = None
    fusion: Annotated[dict[str, JsonValue], Described(FusionField)] = Field(default_factory=dict)
    """Our own settings (docs/settings.md), and `details` and `progress`, which switch off our
    additions to the response and to the stream."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_sent_on(cls, body: Any) -> Any:
        if isinstance(body, cls):  # read before, in a thread
            return body
        try:
            to_json(body)
        except PydanticSerializationError:
            why = "half of a surrogate pair is in it, which is no text, or it is nested too deeply"
            raise ValueError(why) from None
        return body

    @field_validator("fusion", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > _MAX_SETTINGS:
            raise ValueError(f"at most {_MAX_SETTINGS} settings")
        return {} if value is None else value


class ChatBody(FusionRequest):
    """`POST /v1/chat/completions`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "fusion", "messages": [{"role": "user", "content": "What is a seat?"}]}
            ]
        }
    )

    messages: Annotated[list[ChatMessage], Field(fail_fast=True)] = Field(
        min_length=1, max_length=MAX_TURNS
    )
    tools: Annotated[list[ChatTool], Field(fail_fast=True, max_length=MAX_TOOLS)] | None = None
    tool_choice: ChatChoice | None = None
    response_format: ChatFormat | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """For the synthesizer; the older name of `max_completion_tokens`."""
    max_completion_tokens: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """For the synthesizer: output tokens of one call, reasoning included."""
    reasoning_effort: ReasoningEffort | None = None
    """For the synthesizer."""
    reasoning: Reasoning | None = None
    """For the synthesizer: OpenRouter's form of `reasoning_effort`."""
    seed: int | None = None
    """Fixes the order in which the judge reads the answers."""
    n: int | None = None
    """1: one answer a request."""
    logprobs: bool | None = None
    """false: an answer put together from several calls has none."""
    stop: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(fail_fast=True)] = Field(
        default=[], max_length=16
    )
    """A text or a list: the answer ends before the first of them. The writer is not stopped."""

    @field_validator("stop", mode="before")
    @classmethod
    def _in_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value or []

    @field_validator("n")
    @classmethod
    def _one_answer(cls, value: int | None) -> int | None:
        if value not in (None, 1):
            raise ValueError("a deliberation gives one answer; leave `n` out")
        return value

    @field_validator("logprobs")
    @classmethod
    def _no_logprobs(cls, value: bool | None) -> bool | None:
        if value:
            raise ValueError("an answer from several models has no log probabilities; leave it out")
        return value


class TextOptions(Body):
    format: ResponsesFormat | None = None


class ResponsesBody(FusionRequest):
    """`POST /v1/responses`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "fusion", "input": "What is a seat?"}]}
    )

    input: Annotated[
        Annotated[str, Tag("as:text")]
        | Annotated[list[InputItem], Field(fail_fast=True, max_length=MAX_TURNS), Tag("as:parts")],
        _BY_KIND,
    ]
    instructions: str | None = None
    previous_response_id: Annotated[str, Field(max_length=300)] | None = None
    """A response that was stored: its conversation goes on with this `input`."""
    store: bool | None = None
    """Whether `previous_response_id` may name this response later. If it is left out, the
    response is stored only if the server keeps finished runs."""
    tools: Annotated[list[ResponsesTool], Field(fail_fast=True, max_length=MAX_TOOLS)] | None = None
    tool_choice: ResponsesChoice | None = None
    text: TextOptions | None = None
    max_output_tokens: int | None = Field(default=None, ge=1, le=1_000_000_000)
    """For the synthesizer: output tokens of one call, reasoning included."""
    reasoning: Reasoning | None = None
    """For the synthesizer."""
    metadata: dict[_Key, _Value] | None = None
    """Echoed; keys of 64 characters and values of 512 at most, as OpenAI's."""

    @field_validator("metadata", mode="before")
    @classmethod
    def _few(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > _MAX_METADATA:
            raise ValueError(f"at most {_MAX_METADATA} entries")
        return value

    background: bool | None = None
    """Go on without this connection; the response is stored, and asked for by its id."""
    conversation: JsonValue = None
    """Refused: conversations of OpenAI's own API are not kept here."""
    prompt: JsonValue = None
    """Refused: prompts stored at OpenAI are not known here."""

    @field_validator("conversation")
    @classmethod
    def _no_conversation(cls, value: JsonValue) -> JsonValue:
        if value is not None:
            raise ValueError("not kept here; send the turns in `input`, or previous_response_id")
        return value

    @field_validator("prompt")
    @classmethod
    def _no_stored_prompt(cls, value: JsonValue) -> JsonValue:
        if value is not None:
            raise ValueError("stored prompts are not known here; send their text as `instructions`")
        return value
