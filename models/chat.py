"""`ChatOpenAI` that keeps what providers send and refuses what is no answer.

It keeps the bill (also of a stream), reasoning and refusals, gives OpenRouter its own reasoning
back, and raises `UpstreamError` or `BadResponse` where LangChain returns a failed completion as a
message. It never retries, and never calls the Responses API. LangChain makes a request of messages
and a message of the reply. In between the OpenAI SDK posts plain JSON: the typed methods of the SDK
and of `ChatOpenAI` walk every request and reply, which takes twice the CPU.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, cast

import openai
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI

from langgraph_fusion.models.errors import BadResponse, UpstreamError
from langgraph_fusion.models.text import well_formed

_PATH = "/chat/completions"


class FusionChat(ChatOpenAI):
    """A chat model of any OpenAI-compatible server. Asynchronous only."""

    provider: str = "openrouter"
    """Whose peculiarities apply."""
    limit_name: str = "max_completion_tokens"
    """What the server calls the output limit."""
    call_timeout_s: float | None = None
    """Seconds for one whole call, from the first byte sent to the last one read."""

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> ChatResult:
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        with self._explained():
            async with asyncio.timeout(self.call_timeout_s):
                body = await self._sdk.post(_PATH, cast_to=object, body=payload)
        return self._create_chat_result(body)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: Any = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        asked = {**kwargs, "stream": True, "stream_options": {"include_usage": True}}
        payload = self._get_request_payload(messages, stop=stop, **asked)
        silent = True
        async with aclosing(self._bodies(payload)) as bodies:
            async for body in bodies:
                silent = False
                chunk = self._convert_chunk_to_generation_chunk(body, AIMessageChunk, None)
                if chunk is not None:
                    yield chunk
        if silent:
            raise BadResponse("the stream ended before it began")

    async def _bodies(self, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of a streamed reply, all within the time limit of the call."""
        now = asyncio.get_running_loop().time()
        deadline = None if self.call_timeout_s is None else now + self.call_timeout_s
        # Around the reads, never around the yield: there a timeout would interrupt the reader.
        with self._explained():
            async with asyncio.timeout_at(deadline):
                stream = await self._sdk.post(
                    _PATH,
                    cast_to=object,
                    body=payload,
                    stream=True,
                    stream_cls=openai.AsyncStream[object],
                )
        async with stream:
            chunks = aiter(stream)
            while True:
                with self._explained():
                    async with asyncio.timeout_at(deadline):
                        body = await anext(chunks, None)
                if body is None:
                    return
                yield _object(body)

    @property
    def _sdk(self) -> openai.AsyncOpenAI:
        return cast("openai.AsyncOpenAI", self.root_async_client)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Give the error of a failed call the type and text that `fault_of` reads."""
        try:
            yield
        except TimeoutError as error:
            raise TimeoutError(f"no complete answer within {self.call_timeout_s} s") from error
        except openai.APIConnectionError as error:
            for cause in _causes(error):
                if isinstance(cause, UpstreamError | BadResponse):
                    raise cause from None  # raised by our own HTTP client
            raise

    def _get_request_payload(
        self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        messages = self._convert_input(input_).to_messages()
        payload: dict[str, Any] = super()._get_request_payload(input_, stop=stop, **kwargs)
        payload |= payload.pop("extra_body", None) or {}
        if "max_completion_tokens" in payload and self.limit_name != "max_completion_tokens":
            payload[self.limit_name] = payload.pop("max_completion_tokens")
        if self.provider == "openrouter":
            for message, sent in zip(messages, payload["messages"], strict=True):
                sent |= self._reasoning_of(message)
        return payload

    def _reasoning_of(self, message: BaseMessage) -> dict[str, Any]:
        """Return a message's reasoning, if it is this model's own: others' are refused."""
        asked = message.response_metadata.get("asked_models") or [self.model_name]
        if not isinstance(message, AIMessage) or self.model_name not in asked:
            return {}
        if details := message.additional_kwargs.get("reasoning_details"):
            return {"reasoning_details": [_unrepeat(detail) for detail in details]}
        reasoning = message.additional_kwargs.get("reasoning_content")
        return {"reasoning": reasoning} if reasoning else {}

    def _create_chat_result(
        self, response: Any, generation_info: dict[str, Any] | None = None
    ) -> ChatResult:
        body = _completion(_object(response))
        for call in _tool_calls(body):
            _decode_once(call)
        result = super()._create_chat_result(body, generation_info)
        for generation, choice in zip(result.generations, body["choices"], strict=True):
            self._keep(generation.message, choice, choice.get("message"), body)
        return result

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: Any
    ) -> ChatGenerationChunk | None:
        generation = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        if generation is not None:
            choice = (chunk.get("choices") or [{}])[0]
            self._keep(generation.message, choice, choice.get("delta"), chunk)
        return generation

    def _keep(
        self, message: BaseMessage, choice: dict[str, Any], said: Any, body: dict[str, Any]
    ) -> None:
        if choice.get("finish_reason") == "error" or choice.get("error"):
            raise UpstreamError.from_body(choice.get("error"))
        for ours, names in _KEPT.items():
            for name in names:
                if said and said.get(name):
                    message.additional_kwargs[ours] = said[name]
        # Merging two chunks concatenates lists, doubles strings and refuses floats.
        if choice.get("finish_reason"):
            message.response_metadata["asked_models"] = [self.model_name]
        if usage := body.get("usage"):
            bill = {"usage": usage, "provider": body.get("provider")}
            message.response_metadata["bills"] = [bill]


_KEPT = {
    "reasoning_content": ("reasoning_content", "reasoning"),
    "reasoning_details": ("reasoning_details",),
    "refusal": ("refusal",),
}


def _object(body: Any) -> dict[str, Any]:
    """Return what the server said if it is a JSON object."""
    if not isinstance(body, dict):
        raise BadResponse(f"the server answered no JSON object: {str(body)[:200]}")
    whole: dict[str, Any] = well_formed(body)
    return whole


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


def _completion(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body if it is a completion.

    Raises:
        UpstreamError: If it is an error object.
        BadResponse: If it is something else.
    """
    if body.get("error"):
        raise UpstreamError.from_body(body["error"])
    choices = body.get("choices")
    if not choices or not all(isinstance(choice.get("message"), dict) for choice in choices):
        raise BadResponse("the server answered a completion without a message")
    return body


def _tool_calls(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for choice in body["choices"]:
        yield from (choice.get("message") or {}).get("tool_calls") or []


def _decode_once(call: dict[str, Any]) -> None:
    """Unwrap arguments that were encoded twice, which LangChain refuses."""
    function = call.get("function") or {}
    try:
        inner = json.loads(function.get("arguments") or "{}")
    except ValueError:
        return
    if isinstance(inner, str):
        function["arguments"] = inner


def _unrepeat(detail: dict[str, Any]) -> dict[str, Any]:
    """Undo what merging chunks did to two fields: "x" in three chunks became "xxx"."""
    texts = {key: text for key in ("format", "id") if (text := detail.get(key))}
    return detail | {key: text[: (text + text).find(text, 1)] for key, text in texts.items()}
