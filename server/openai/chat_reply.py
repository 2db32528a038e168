"""A finished run as a chat completion, in OpenAI's shape with the hosted product's additions."""

import json
from typing import Any

from langgraph_fusion.graph.result import ClientCall, FusionResult
from langgraph_fusion.server.openai.parse_request import RunRequest
from langgraph_fusion.server.openai.usage import chat_usage
from langgraph_fusion.server.openrouter.metadata import METADATA, router_metadata
from langgraph_fusion.server.openrouter.result import (
    EXTENSION,
    answer_text,
    chat_annotations,
    extension,
)

Json = dict[str, Any]


def chat_completion(
    head: Json, result: FusionResult, wanted: RunRequest, *, metadata: bool
) -> Json:
    """The whole response; `head` holds its id, time and model."""
    text = answer_text(result)
    message: Json = {"role": "assistant", "content": text or None, "refusal": None}
    message |= annotations_of(result)
    if result.tool_calls:
        message["tool_calls"] = tool_calls_of(result)
    choice = {"index": 0, "message": message, "finish_reason": finish_of(result), "logprobs": None}
    said = head | {"object": "chat.completion", "choices": [choice]}
    return said | usage_of(result) | additions(result, wanted, metadata=metadata)


def finish_of(result: FusionResult) -> str:
    """`length` when the writer's output limit cut the answer off."""
    if result.tool_calls:
        return "tool_calls"
    return "length" if "synthesizer_truncated" in result.degraded else "stop"


def annotations_of(result: FusionResult) -> Json:
    """`annotations`, if the answer cites sources."""
    found = chat_annotations(result, answer_text(result))
    return {"annotations": found} if found else {}


def tool_calls_of(result: FusionResult) -> list[Json]:
    """The calls of the client's tools."""
    return [_tool_call(call) for call in result.tool_calls]


def usage_of(result: FusionResult) -> Json:
    """`usage`, if any call reported its tokens: what is unknown is left out, never 0."""
    used = chat_usage(result)
    return {} if used is None else {"usage": used}


def additions(result: FusionResult, wanted: RunRequest, *, metadata: bool) -> Json:
    """Ours, unless it is switched off, and `openrouter_metadata` if it is asked for."""
    said: Json = {EXTENSION: extension(result)} if wanted.details else {}
    return said | ({METADATA: router_metadata(wanted, result)} if metadata else {})


def _tool_call(call: ClientCall) -> Json:
    function = {"name": call.name, "arguments": json.dumps(call.args, ensure_ascii=False)}
    return {"id": call.id, "type": "function", "function": function}
