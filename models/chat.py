"""`ChatOpenAI` that keeps what providers send and refuses what is no answer.

It keeps the bill (also of a stream), reasoning and refusals, gives OpenRouter its own reasoning
back, and raises `UpstreamError` or `BadResponse` where LangChain returns a failed completion as a
message. It never retries, and never calls the Responses API.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, cast

import openai
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI

from langgraph_fusion.models.errors import BadResponse, UpstreamError


class FusionChat(ChatOpenAI):
    """A chat model of any OpenAI-compatible server. Asynchronous only."""

    provider: str = "openrouter"
    """Whose peculiarities apply."""
    limit_name: str = "max_completion_tokens"
    """What the server calls the output limit."""
    call_timeout_s: float | None = None
    """Seconds for one whole call, from the first byte sent to the last one read."""

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        with self._explained():
            async with asyncio.timeout(self.call_timeout_s):
                return await super()._agenerate(*args, **kwargs)

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        now = asyncio.get_running_loop().time()
        deadline = None if self.call_timeout_s is None else now + self.call_timeout_s
        silent = True
        stream = cast(AsyncGenerator[ChatGenerationChunk], super()._astream(*args, **kwargs))
        async with aclosing(stream) as chunks:
            while True:
                # Around the read, never around the yield: there it would interrupt the reader.
                with self._explained():
                    async with asyncio.timeout_at(deadline):
                        chunk = await anext(chunks, None)
                if chunk is None:
                    break
                silent = False
                yield chunk
        if silent:
            raise BadResponse("the stream ended before it began")

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
        if "max_completion_tokens" in payload and self.limit_name != "max_completion_tokens":
            payload[self.limit_name] = payload.pop("max_completion_tokens")
        if response_format := payload.pop("response_format", None):
            # As plain JSON: the SDK would walk the whole schema at every call, and parse the reply.
            extra = payload.get("extra_body") or {}
            payload["extra_body"] = {**extra, "response_format": response_format}
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
        body = _body(response)
        if any([_decoded_once(call) for call in _tool_calls(body)]):  # a list: decode them all
            response = body
        result = super()._create_chat_result(response, generation_info)
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


def _body(response: Any) -> dict[str, Any]:
    """Return the response as a dictionary that has choices.

    Raises:
        UpstreamError: If it is an error object.
        BadResponse: If it is no completion.
    """
    if isinstance(response, openai.BaseModel):
        response = response.model_dump(warnings=False)
    if not isinstance(response, dict):
        raise BadResponse(f"the server answered no JSON object: {str(response)[:200]}")
    if response.get("error"):
        raise UpstreamError.from_body(response["error"])
    if not response.get("choices"):
        raise BadResponse("the server answered a completion without choices")
    return response


def _tool_calls(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for choice in body["choices"]:
        yield from (choice.get("message") or {}).get("tool_calls") or []


def _decoded_once(call: dict[str, Any]) -> bool:
    """Unwrap arguments that were encoded twice, which LangChain refuses; True if they were."""
    function = call.get("function") or {}
    try:
        inner = json.loads(function.get("arguments") or "{}")
    except ValueError:
        return False
    if not isinstance(inner, str):
        return False
    function["arguments"] = inner
    return True


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


def _unrepeat(detail: dict[str, Any]) -> dict[str, Any]:
    """Undo what merging chunks did to two fields: "x" in three chunks became "xxx"."""
    texts = {key: text for key in ("format", "id") if (text := detail.get(key))}
    return detail | {key: text[: (text + text).find(text, 1)] for key, text in texts.items()}
