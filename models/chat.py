"""A chat model of LangChain for every server that speaks OpenAI's chat completions.

It keeps the bill (also of a stream), reasoning and refusals, gives every server back what it sent
along with its own messages, and raises `UpstreamError` or `BadResponse` for a failed or broken-off
completion. It never retries, and never calls the Responses API. `request_body` makes a request of
messages, `http` posts it, and `ReplyReader` makes a message of whatever comes back. OpenAI's SDK is
not used: importing it takes a fifth of a command's start, of which a call needs one POST.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, NoReturn, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.utils import message_chunk_to_message
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from langgraph_fusion.models.errors import StatusError
from langgraph_fusion.models.http import Endpoint, Response, shared_client
from langgraph_fusion.models.pieces import carries_something, emit_piece
from langgraph_fusion.models.replies.event_stream import DONE, values_of
from langgraph_fusion.models.replies.reply_reader import ReplyReader
from langgraph_fusion.models.replies.transcript import call_ids, give_back_extras, make_ids_unique
from langgraph_fusion.models.request_body import message_json, tool_choice_json

_END = object()


class FusionChat(BaseChatModel):
    """A chat model of any OpenAI-compatible server. Asynchronous only."""

    model_name: str
    """The provider's own name for it."""
    provider: str
    """The provider, whose peculiarities apply."""
    endpoint: Endpoint = Field(exclude=True, repr=False)
    """Where requests go, and the key."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Members of every request beside model and messages."""
    idle_timeout_s: float | None = None
    """Seconds in which a reply has to begin, and in which it has to go on once it has begun."""

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Offer tools: LangChain's, functions, or tools as OpenAI writes them."""
        offered = [convert_to_openai_tool(tool) for tool in tools]
        if tool_choice:
            names = [one["function"]["name"] for one in offered if "function" in one]
            kwargs["tool_choice"] = tool_choice_json(tool_choice, names)
        return self.bind(tools=offered, **kwargs)

    @property
    def _llm_type(self) -> str:
        return "openai-chat"

    def _generate(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError("this model is asynchronous: use `ainvoke` or `astream`")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Return the whole reply; it is streamed, so that a slow model is not taken for dead."""
        try:
            chunks = [chunk async for chunk in self._astream(messages, stop, **kwargs)]
        except StatusError as error:
            if not _refuses_to_stream(error):
                raise
            payload = self._payload(messages, stop, **kwargs)
            chunks = [
                ChatGenerationChunk(message=chunk)
                async for chunk in self._chunks(messages, payload)
            ]
        first, *others = (cast("AIMessageChunk", chunk.message) for chunk in chunks)
        whole = message_chunk_to_message(add_ai_message_chunks(first, *others))
        return ChatResult(generations=[ChatGeneration(message=whole)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        asked = {**kwargs, "stream": True, "stream_options": {"include_usage": True}}
        payload = self._payload(messages, stop, **asked)
        async with aclosing(self._chunks(messages, payload)) as chunks:
            async for chunk in chunks:
                yield ChatGenerationChunk(message=chunk)

    async def _chunks(
        self, messages: list[BaseMessage], payload: dict[str, Any]
    ) -> AsyncGenerator[AIMessageChunk]:
        reader = ReplyReader(self.model_name, call_ids(messages), payload.get("tools"))
        done = False
        async with aclosing(self._values(payload)) as values:
            async for value in values:
                done = done or value is DONE
                if chunk := reader.read(value):
                    emit_piece(chunk)
                    yield chunk
        yield reader.end(done)

    async def _values(self, payload: dict[str, Any]) -> AsyncGenerator[Any]:
        """The values of the response, until it ends or stalls for longer than the timeout."""
        deadline = self._silent_until()
        # Around the reads, never around the yield: there a timeout would interrupt the reader.
        with self._explained():
            async with asyncio.timeout_at(deadline):
                response = await self._post(payload)
        async with aclosing(response), aclosing(values_of(response)) as values:
            while True:
                with self._explained():
                    async with asyncio.timeout_at(deadline):
                        value = await anext(values, _END)
                if value is _END:
                    return
                if carries_something(value):
                    deadline = self._silent_until()
                yield value

    def _silent_until(self) -> float | None:
        now = asyncio.get_running_loop().time()
        return None if self.idle_timeout_s is None else now + self.idle_timeout_s

    async def _post(self, payload: dict[str, Any]) -> Response:
        """Send a request; what comes back is not read yet, unless it is an error."""
        return await shared_client().post(self.endpoint, payload)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Add to a timeout for how long nothing came."""
        try:
            yield
        except TimeoutError as error:
            raise TimeoutError(f"nothing came for {self.idle_timeout_s:g} s") from error

    def _payload(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, **given: Any
    ) -> dict[str, Any]:
        """The body of a request."""
        stops = {} if stop is None else {"stop": stop}
        payload = {"model": self.model_name, "stream": False, **given, **stops, **self.parameters}
        payload["messages"] = [message_json(one, self.model_name) for one in messages]
        for message, sent in zip(messages, payload["messages"], strict=True):
            if isinstance(message, AIMessage) and self._is_mine(message):
                sent |= self._reasoning_of(message)
                give_back_extras(message, sent)
        make_ids_unique(payload["messages"])
        return payload

    def _is_mine(self, message: AIMessage) -> bool:
        """Whether this model made a message: reasoning and signatures of others are refused."""
        asked = message.response_metadata.get("asked_models")
        if asked is None:
            return self.provider == "openrouter"  # written down before this was noted
        return self.model_name in asked

    def _reasoning_of(self, message: AIMessage) -> dict[str, Any]:
        said = message.additional_kwargs
        if self.provider == "openrouter":
            if details := said.get("reasoning_details"):
                return {"reasoning_details": details}
            return {"reasoning": said["reasoning_content"]} if said.get("reasoning_content") else {}
        name = said.get("reasoning_field")
        return {name: said["reasoning_content"]} if name and said.get("reasoning_content") else {}


def _refuses_to_stream(error: StatusError) -> bool:
    """Whether a server gives this reply in one piece only: old ones do where tools are offered."""
    refused = error.status_code in (400, 404, 405, 422, 500, 501)
    return refused and "stream" in str(error).lower()
