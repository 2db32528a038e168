"""The turns of a conversation as both OpenAI requests send them; this server reads text."""

from typing import Literal

from pydantic import ConfigDict, model_validator

from langgraph_fusion.server.openai.protocol_base import Body

NOT_TEXT = "a part of type {} cannot be read; send text, the panel sees no images, audio or files"


class _Part(Body):
    """A part of a message; this server reads text."""

    type: str
    text: str | None = None
    refusal: str | None = None

    @model_validator(mode="after")
    def _is_text(self) -> "_Part":
        if self.said is None:
            raise ValueError(NOT_TEXT.format(repr(self.type)))
        return self

    @property
    def said(self) -> str | None:
        readable = self.type in ("text", "input_text", "output_text", "refusal")
        return (self.text if self.text is not None else self.refusal) if readable else None


Content = str | list[_Part] | None


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
    tool_calls: list[CalledTool] | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _tool_turn_says_what_it_answers(self) -> "ChatMessage":
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("a `tool` message needs the `tool_call_id` that it answers")
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
    output: str | list[_Part] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "InputItem":
        needed = {
            "message": ("role", "content"),
            "function_call": ("call_id", "name", "arguments"),
            "function_call_output": ("call_id", "output"),
            "openrouter:fusion": (),
            "reasoning": (),
        }.get(self.kind)
        if needed is None:
            raise ValueError(f"an item of type {self.type!r} cannot be read")
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"an item of type {self.kind!r} needs `{name}`")
        return self

    @property
    def kind(self) -> str:
        return self.type or "message"
