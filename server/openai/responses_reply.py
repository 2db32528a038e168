"""The reply to a request of OpenAI's Responses API: whole, as a stream, or in the background."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pydantic_core import to_json

from langgraph_fusion.models.loop_share import off_loop, size_of
from langgraph_fusion.server.errors import api_error
from langgraph_fusion.server.logging import log_surprise
from langgraph_fusion.server.openai.protocol import ResponsesBody
from langgraph_fusion.server.openai.responses_events import ResponseEvents
from langgraph_fusion.server.openai.responses_fusion_item import new_id
from langgraph_fusion.server.openai.stored_responses import Thread
from langgraph_fusion.server.recent_items import RecentItems
from langgraph_fusion.server.runs.managed_run import ManagedRun
from langgraph_fusion.server.sse import DONE, frame

Json = dict[str, Any]
_MAX_ECHO = 16_384
"""Bytes of JSON of one field."""


class ResponseReply:
    """The reply to one request; it is stored before its last event says that it is."""

    def __init__(
        self, events: ResponseEvents, thread: Thread, recent_items: RecentItems | None
    ) -> None:
        self._events = events
        self._thread = thread
        self._recent_items = recent_items

    @property
    def instructions(self) -> str | None:
        return self._thread.instructions

    @property
    def metadata(self) -> bool:
        """Whether the client wants the hosted product's metadata."""
        return self._events.metadata

    @property
    def response(self) -> Json:
        """The response as it stands."""
        return self._events.response

    async def whole(self, run: ManagedRun) -> Json:
        """The response that is not streamed: the same events, sent nowhere."""
        async with aclosing(self._sent(run)) as events:
            async for _ in events:
                pass
        return self._events.response

    async def frames(self, run: ManagedRun) -> AsyncGenerator[bytes, None]:
        """Yield the events of a run; one that fails ends with `response.failed` or `error`."""
        try:
            async with aclosing(self.events(run)) as events:
                async for kind, event in events:
                    yield await off_loop(size_of(event), frame, event, kind)
        except Exception as error:  # noqa: BLE001 - the stream has said it
            if api_error(error).status == 500:
                log_surprise(error, run_id=run.run_id)
        yield DONE

    async def events(self, run: ManagedRun) -> AsyncGenerator[tuple[str, Json], None]:
        """Yield types and events of a run; raises how it failed, once an event has said it."""
        for event in self._events.begin():
            yield event["type"], event
        try:
            async with aclosing(self._sent(run)) as events:
                async for event in events:
                    yield event["type"], event
        except Exception as error:
            for event in self._events.failed(error, run.run_id):
                yield event["type"], event
            raise

    async def _sent(self, run: ManagedRun) -> AsyncGenerator[Json, None]:
        async with aclosing(run.events()) as run_events:
            async for run_event in run_events:
                events = await off_loop(size_of(run_event), self._events_of, run_event)
                if run_event["type"] == "run.finished":
                    stored = await self._thread.keep(self._events.response, run_event["result"])
                    self._events.response["store"] = stored
                    if self._recent_items is not None:
                        output = self._events.response["output"]
                        self._recent_items.keep(self._thread.client, output)
                for event in events:
                    yield event

    def _events_of(self, run_event: Json) -> list[Json]:
        return list(self._events.of(run_event))


def initial_response(body: ResponsesBody, model: str, *, stored: bool) -> Json:
    """The response before anything has happened, with what was asked for."""
    asked = body.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "id": new_id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "model": model,
        "output": [],
        "error": None,
        "incomplete_details": None,
        "usage": None,
        "instructions": _echo(body.instructions, None),
        "metadata": body.metadata or {},
        "temperature": body.temperature,
        "top_p": None,
        "max_output_tokens": body.max_output_tokens,
        "tools": _echo(asked.get("tools", []), []),
        "tool_choice": _echo(asked.get("tool_choice", "auto"), "auto"),
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "text": _echo(asked.get("text"), None) or {"format": {"type": "text"}},
        "reasoning": asked.get("reasoning"),
        "previous_response_id": body.previous_response_id,
        "store": stored,
        "background": bool(body.background),
        "truncation": "disabled",
    }


def _echo(value: Any, instead: Any) -> Any:
    """What was sent, if it is short: three events of a stream and a stored response repeat it."""
    return value if len(to_json(value)) <= _MAX_ECHO else instead
