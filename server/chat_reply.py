"""A finished run as a chat completion."""

from typing import Any

Json = dict[str, Any]


def chat_completion(head: Json, result: Json, *, details: bool) -> Json:
    """The whole response; `head` holds its id, time and model."""
    message = {"role": "assistant", "content": result["answer"], "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": finish_of(result), "logprobs": None}
    said = head | {"object": "chat.completion", "choices": [choice], "usage": usage_of(result)}
    return said | ({"fusion": result} if details else {})


def finish_of(result: Json) -> str:
    """`length` when the writer's output limit cut the answer off."""
    return "length" if "synthesizer_truncated" in result["degraded"] else "stop"


def usage_of(result: Json) -> Json:
    """All calls of the run, as OpenAI's and the hosted product's usage block."""
    total = result["bill"]["total"]
    prompt, completion = total["input_tokens"] or 0, total["output_tokens"] or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": total["cached_tokens"] or 0},
        "completion_tokens_details": {"reasoning_tokens": total["reasoning_tokens"] or 0},
        "cost": total["cost_usd"],
    }
