"""A model server whose replies are huge: python -m bench.abuse.huge_models. Prints its address.

The name of the model says in what form a megabyte comes: `text-json`, `text-one`, `text-many`,
`thoughts-many`, `analysis-one`, and so on; `short` answers in a word. `arguments` are those of a
call of the first tool that is offered; its result is answered in a word.
It ends with its standard input.
"""

import asyncio
import json
import re
import sys
from functools import cache
from typing import Any

from aiohttp import web

_MODEL = re.compile(rb'"model": ?"([^"]+)"')
_OFFERED = re.compile(rb'"function": ?\{"name": ?"([^"]+)"')
_RESULT = re.compile(rb'"role": ?"tool"')
_SENTENCE = "The rate was 4.25 % in 2024 [A1], as (https://rates.example/report?x=1) **says**. "
SIZE = 1_000_000
"""Characters of a huge reply."""
_TOOL = "a_tool_that_is_offered"
_PIECE = 40
"""Characters of each piece of a reply in many: ten words or so."""
_MODELS = ("text", "thoughts", "arguments", "analysis", "marks", "line")
FORMS = ("json", "one", "many")


@cache
def _said(what: str) -> str:
    """The huge text of one kind."""
    prose = (_SENTENCE * (SIZE // len(_SENTENCE))).replace("says**. T", "says**.\n\nT")
    if what == "arguments":
        return json.dumps({"query": prose})
    if what == "analysis":
        claim = {"claim": _SENTENCE * 5, "seats": ["A", "B"]}
        return json.dumps({"consensus": [claim] * (SIZE // len(json.dumps(claim)))})
    if what == "marks":
        return "`*[<{" * (SIZE // 5)
    if what == "line":
        return prose.replace("\n", " ")
    return prose


def _delta(what: str, text: str, *, first: bool) -> dict[str, Any]:
    if what == "thoughts":
        return {"reasoning": text}
    if what != "arguments":
        return {"content": text}
    begun = {"id": "call_1", "type": "function"} if first else {}
    named = {"name": _TOOL} if first else {}
    return {"tool_calls": [{"index": 0, **begun, "function": {**named, "arguments": text}}]}


@cache
def _reply(what: str, form: str) -> bytes:
    if what == "short":
        what, form, text = "text", form or "one", "It is 42."
    else:
        text = _said(what)
    finish = "tool_calls" if what == "arguments" else "stop"
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18, "cost": 0.0001}
    if form == "json":
        message = {"role": "assistant", **_delta(what, text, first=True)}
        message.setdefault("content", "It is 42." if what == "thoughts" else None)
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return json.dumps({"id": "x", "choices": [choice], "usage": usage}).encode()
    size = _PIECE if form == "many" else len(text)
    pieces = (text[start : start + size] for start in range(0, len(text), size))
    deltas = [_delta(what, piece, first=not at) for at, piece in enumerate(pieces)]
    if what == "thoughts":
        deltas.append({"content": "It is 42."})
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    chunks: list[dict[str, Any]] = [{"id": "x", "choices": [one]} for one in choices]
    chunks.append({"id": "x", "choices": [], "usage": usage})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + (
        b"data: [DONE]\n\n"
    )


async def _answer(request: web.Request) -> web.StreamResponse:
    sent = await request.read()
    found = _MODEL.search(sent)
    name = found[1].decode() if found else "short"
    what, _, form = name.rpartition("/")[2].partition("-")
    tool = _OFFERED.search(sent)
    if what == "arguments" and (tool is None or _RESULT.search(sent)):
        what = "short"
    body = _reply(what, form)
    if what == "arguments" and tool is not None:
        body = body.replace(_TOOL.encode(), tool[1])
    kind = "application/json" if form == "json" else "text/event-stream"
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(request)
    for start in range(0, len(body), 1 << 16):
        await response.write(body[start : start + (1 << 16)])
    return response


async def _serve() -> None:
    for what in _MODELS:
        for form in FORMS:
            _reply(what, form)
    app = web.Application(client_max_size=1 << 28)
    app.router.add_post("/v1/chat/completions", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve())
