"""What the bench's model server answers, as bytes made once: text, a tool call, an analysis."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

from bench.graph.cast import SERVED_TOOL, TOOL, TOOL_TURNS

ANSWER = "It is 42, and here is why. " * 12
PIECES = 40
"""Of a streamed answer."""
_SEAT = re.compile(rb'<answer seat=\\"([A-H])')
_RESULT = re.compile(rb'"role": ?"tool"')


def whole(body: bytes, model: str) -> tuple[bytes, int]:
    """Return the reply to a request, and its tokens."""
    tokens = len(body) // 4, len(ANSWER) // 4
    message = _message(body, model)
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "finish_reason": _finish(message),
    }
    said = _envelope("chat.completion", model) | {"choices": [choice], "usage": _usage(*tokens)}
    return json.dumps(said).encode(), sum(tokens)


def pieces(body: bytes, model: str) -> Iterator[bytes]:
    """Yield the events of a streamed reply; an answer's first word is the time of sending."""
    tokens = len(body) // 4, len(ANSWER) // 4
    message = _message(body, model)
    if message.get("content") == ANSWER:
        yield _event(model, {"role": "assistant", "content": f"{time.time():.6f} "})
        size = -(-len(ANSWER) // PIECES)
        for start in range(0, len(ANSWER), size):
            yield _event(model, {"content": ANSWER[start : start + size]})
    else:
        calls = [{"index": 0, **call} for call in message.get("tool_calls", ())]
        yield _event(
            model, {"role": "assistant", **message, **({"tool_calls": calls} if calls else {})}
        )
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": _finish(message)}]}
    yield _data(_envelope("chat.completion.chunk", model) | last | {"usage": _usage(*tokens)})
    yield b"data: [DONE]\n\n"


def _message(body: bytes, model: str) -> dict[str, Any]:
    if model.startswith("j/"):
        shown = _SEAT.search(body)
        best = shown[1].decode() if shown else "A"
        return {"content": json.dumps({"best_answer": best})}
    if b'"tools":' in body and (turn := len(_RESULT.findall(body))) < TOOL_TURNS:
        served = SERVED_TOOL.encode() in body
        name, argument = (SERVED_TOOL, "query") if served else (TOOL, "key")
        return {"content": None, "tool_calls": [_call(name, {argument: f"k{turn}"}, turn)]}
    return {"content": ANSWER}


def _finish(message: dict[str, Any]) -> str:
    return "tool_calls" if "tool_calls" in message else "stop"


def _call(name: str, arguments: dict[str, str], turn: int) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_{turn}", "type": "function", "function": function}


def _event(model: str, delta: dict[str, Any]) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return _data(_envelope("chat.completion.chunk", model) | {"choices": [choice]})


def _data(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _envelope(kind: str, model: str) -> dict[str, Any]:
    return {"id": "gen-1", "object": kind, "created": 0, "model": model}


def _usage(prompt: int, completion: int) -> dict[str, int | float]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cost": (prompt + 2 * completion) / 1e6,
    }
