"""The chat model all offline models share: a pure reply, word counts, a price of zero."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

Tools = dict[str, dict[str, Any]]
"""Parameter schema of each tool by name."""

_WORDS_WITH_SPACE = re.compile(r"\s*\S+\s*")


class OfflineChatModel(BaseChatModel):
    """A deterministic model without network.

    Usage counts white-space separated words as tokens. `cost` in `response_metadata` is 0.0, known.
    """

    model: str

    @abstractmethod
    def reply(self, messages: Sequence[BaseMessage], tools: Tools) -> AIMessage:
        """Answer the messages, as text or tool calls; the same input gives the same output."""

    @property
    def _llm_type(self) -> str:
        return "offline"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        schemas = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=schemas, tool_choice=tool_choice, **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = self.reply(messages, _tools(kwargs))
        message.usage_metadata = _usage(messages, message)
        message.response_metadata = {
            "finish_reason": "tool_calls" if message.tool_calls else "stop",
            "model_name": self.model,
            "model_provider": "offline",
            "cost": 0.0,
        }
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        message = self._generate(messages, **kwargs).generations[0].message
        assert isinstance(message, AIMessage)
        parts = [
            *(AIMessageChunk(content=word) for word in _WORDS_WITH_SPACE.findall(message.text)),
            AIMessageChunk(
                content="",
                tool_calls=message.tool_calls,
                usage_metadata=message.usage_metadata,
                response_metadata=message.response_metadata,
                chunk_position="last",
            ),
        ]
        for part in parts:
            chunk = ChatGenerationChunk(message=part)
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def tool_calls(turn: int, calls: Sequence[tuple[str, dict[str, Any]]]) -> AIMessage:
    """Return a message that calls the tools; ids follow from the turn, so they repeat exactly."""
    return AIMessage(
        content="",
        tool_calls=[
            ToolCall(name=name, args=args, id=f"call_{turn}_{at}")
            for at, (name, args) in enumerate(calls)
        ],
    )


def _tools(kwargs: dict[str, Any]) -> Tools:
    if kwargs.get("tool_choice") == "none":
        return {}
    found: Tools = {}
    for tool in cast("list[dict[str, Any]]", kwargs.get("tools") or []):
        function = tool.get("function", {})
        found[str(function.get("name"))] = function.get("parameters", {})
    return found


def _usage(messages: Sequence[BaseMessage], message: AIMessage) -> UsageMetadata:
    read = sum(len(str(each.text).split()) for each in messages)
    wrote = len(str(message.text).split())
    wrote += sum(len(str(call["args"]).split()) for call in message.tool_calls)
    return UsageMetadata(input_tokens=read, output_tokens=wrote, total_tokens=read + wrote)
