"""`ChatOpenAI` that keeps what providers send and raises for what is no completion.

It keeps the bill (also of a stream), reasoning and refusals, gives every server back what it sent
along with its own messages, and raises `UpstreamError` or `BadResponse` where LangChain returns a
failed or broken-off completion as a message. It never retries, and never calls the Responses API.
LangChain makes a request of messages, the OpenAI SDK posts it, and `ReplyReader` makes a message of
whatever comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, cast

import httpx2
import openai
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.utils import message_chunk_to_message
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI

from langgraph_fusion.models.error_bodies import words_of
from langgraph_fusion.models.pieces import carries_something, emit_piece
from langgraph_fusion.models.replies.event_stream import DONE, batches_of
from langgraph_fusion.models.replies.held_thoughts import HeldThoughts
from langgraph_fusion.models.replies.reply_reader import ReplyReader
from langgraph_fusion.models.replies.transcript import call_ids, give_back_extras, make_ids_unique

_PATH = "/chat/completions"


class FusionChat(ChatOpenAI):
    """A chat model of any OpenAI-compatible server. Asynchronous only."""

    provider: str = "openrouter"
    """The provider, whose peculiarities apply."""
    limit_name: str = "max_completion_tokens"
    """What the server calls the output limit."""
    idle_timeout_s: float | None = None
    """Seconds in which a reply has to begin, and in which it has to go on once it has begun."""

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
        except openai.APIStatusError as error:
            if not _refuses_to_stream(error):
                raise
            payload = self._get_request_payload(messages, stop=stop, **kwargs)
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
        payload = self._get_request_payload(messages, stop=stop, **asked)
        async with aclosing(self._chunks(messages, payload)) as chunks:
            async for chunk in chunks:
                yield ChatGenerationChunk(message=chunk)

    async def _chunks(
        self, messages: list[BaseMessage], payload: dict[str, Any]
    ) -> AsyncGenerator[AIMessageChunk]:
        reader = ReplyReader(self.model_name, call_ids(messages), payload.get("tools"))
        thoughts, done = HeldThoughts(), False
        async with aclosing(self._batches(payload)) as batches:
            async for values in batches:
                done = done or DONE in values
                for piece in reader.read(values):
                    emit_piece(piece)
                    if chunk := thoughts.pass_on(piece):
                        yield chunk
        yield thoughts.end(reader.end(done))

    async def _batches(self, payload: dict[str, Any]) -> AsyncGenerator[list[Any]]:
        """The values of the response, until it ends or stalls for longer than the timeout."""
        deadline = self._silent_until()
        # Around the reads, never around the yield: there a timeout would interrupt the reader.
        with self._explained():
            async with asyncio.timeout_at(deadline):
                response = await self._post(payload)
        async with aclosing(response), aclosing(batches_of(response)) as batches:
            while True:
                with self._explained():
                    async with asyncio.timeout_at(deadline):
                        values = await anext(batches, None)
                if values is None:
                    return
                if any(map(carries_something, values)):
                    deadline = self._silent_until()
                yield values

    def _silent_until(self) -> float | None:
        now = asyncio.get_running_loop().time()
        return None if self.idle_timeout_s is None else now + self.idle_timeout_s

    async def _post(self, payload: dict[str, Any]) -> httpx2.Response:
        """Send a request; what comes back is not read yet, unless it is an error."""
        sdk = cast("openai.AsyncOpenAI", self.root_async_client)
        raw: Any = await sdk.post(
            _PATH,
            cast_to=httpx2.Response,
            body=payload,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        assert isinstance(raw, httpx2.Response)
        return raw

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Add to a timeout for how long nothing came."""
        try:
            yield
        except TimeoutError as error:
            raise TimeoutError(f"nothing came for {self.idle_timeout_s:g} s") from error

    def _get_request_payload(
        self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        messages = self._convert_input(input_).to_messages()
        payload: dict[str, Any] = super()._get_request_payload(input_, stop=stop, **kwargs)
        payload |= payload.pop("extra_body", None) or {}
        if "max_completion_tokens" in payload and self.limit_name != "max_completion_tokens":
            payload[self.limit_name] = payload.pop("max_completion_tokens")
        for message, sent in zip(messages, payload["messages"], strict=True):
            if isinstance(message, AIMessage) and self._is_mine(message):
                sent |= self._reasoning_of(message)
                give_back_extras(message, sent)
            _say_details(message, sent)
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


def _say_details(message: BaseMessage, sent: dict[str, Any]) -> None:
    """Say how closely images are to be looked at, which LangChain leaves out."""
    blocks = message.content if isinstance(message.content, list) else []
    images = [one for one in blocks if isinstance(one, dict) and one.get("type") == "image"]
    details = [(one.get("extras") or {}).get("detail") for one in images]
    if any(details):
        written = [one for one in sent["content"] if one.get("type") == "image_url"]
        for one, detail in zip(written, details, strict=True):
            one["image_url"] |= {"detail": detail} if detail else {}


def _refuses_to_stream(error: openai.APIStatusError) -> bool:
    """Whether a server gives this reply in one piece only: old ones do where tools are offered."""
    refused = error.status_code in (400, 404, 405, 422, 500, 501)
    return refused and "stream" in (words_of(error.body) or str(error)).lower()
