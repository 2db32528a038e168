"""Replay one recorded run with the code of one tree: python worker.py RECORDING; prints JSON.

Only public names of langgraph_fusion are used, so that an earlier version runs it as well.
"""

import asyncio
import json
import os
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from aiohttp import web

Json = dict[str, Any]
ANSWERED_BEFORE = "<your_earlier_answer"


class Replay:
    """A model server that says what was recorded, whatever it is asked, and keeps the requests."""

    def __init__(self, recording: Json) -> None:
        self._recording = recording
        self._judged = 0
        self.requests: list[Json] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Handle one chat completion."""
        body = await request.json()
        self.requests.append(body)
        said = self._said(body)
        calls = [
            {
                "id": f"call_{uuid.uuid4().hex[:12]}",
                "type": "function",
                "index": number,
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(said["tool_calls"])
        ]
        message: Json = {"role": "assistant", "content": said["content"]}
        message |= {"tool_calls": calls} if calls else {}
        end = "tool_calls" if calls else "stop"
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": end}
            return web.json_response({"id": "r", "model": body["model"], "choices": [choice]})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for delta, reason in ((message, None), ({}, end)):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            chunk = {"id": "r", "model": body["model"], "choices": [choice]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    def _said(self, body: Json) -> Json:
        model, messages = body["model"], body["messages"]
        if model == "judge":
            self._judged += 1
            judged = self._recording["judge"]
            return {"content": judged[min(self._judged, len(judged)) - 1], "tool_calls": []}
        if model == "writer":
            return {"content": self._recording["writer"], "tool_calls": []}
        rounds = self._recording["members"][int(model.removeprefix("member"))]
        again = any(ANSWERED_BEFORE in str(one.get("content")) for one in messages)
        turns = rounds[int(again)]
        done = sum(one["role"] == "assistant" for one in messages)
        said: Json = turns[min(done, len(turns) - 1)]
        return said


def settings_of(recording: Json) -> Json:
    """The settings of the replay."""
    panel = [f"local:member{number}" for number in range(len(recording["members"]))]
    return {
        "preset": "local",
        "panel": panel,
        "judge": "local:judge",
        "synthesizer": "local:writer",
        "tools": ["docs"],
        "docs": recording["docs"],
        "max_rounds": len(recording["judge"]) - 1,
        "max_tool_calls": recording["max_tool_calls"],
        "deadline_s": 600,
    }


async def _props(_: web.Request) -> web.Response:
    """Let members work side by side, as llama.cpp says it."""
    return web.json_response({"total_slots": 64})


async def replayed(recording: Json) -> Json:
    """Deliberate, and return every request with the result."""
    replay = Replay(recording)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/chat/completions", replay.answer)
    app.router.add_get("/props", _props)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    os.environ["LOCAL_BASE_URL"] = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    os.environ["LOCAL_API_KEY"] = "none"
    from langgraph_fusion import deliberate, load_settings

    settings = load_settings(settings_of(recording))
    events = [event async for event in deliberate(recording["question"], settings)]
    await runner.cleanup()
    draft = recording["writer"]
    return {"requests": replay.requests, "result": events[-1]["result"], "draft": draft}


def main() -> None:
    """Read a recording, replay it, print what was sent."""
    recording = json.loads(Path(sys.argv[1]).read_text())
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        print(json.dumps(asyncio.run(replayed(recording))))


if __name__ == "__main__":
    main()
