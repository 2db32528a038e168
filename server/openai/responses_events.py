"""A run as a response of OpenAI's Responses API: its events in order, and the whole at the end.

A response that is not streamed is put together by the same code; its events go nowhere. A request
in a form of the hosted product or with `progress: true` also gets the `openrouter:fusion` item and
its events, and events named `fusion.` and the name of one in `graph.events`. Others get OpenAI's
own types only: typed clients refuse what they do not know.
"""

from collections.abc import Iterator
from typing import Any

from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.writing.streaming_answer import LiveAnswer
from langgraph_fusion.server.errors import api_error
from langgraph_fusion.server.openai.responses_fusion_item import (
    PanelItem,
    call_item,
    message_item,
    new_id,
    text_part,
)
from langgraph_fusion.server.openai.usage import responses_usage
from langgraph_fusion.server.openrouter.metadata import METADATA, error_metadata, router_metadata
from langgraph_fusion.server.openrouter.result import (
    answer_text,
    extension,
    is_plain,
    url_citations,
)
from langgraph_fusion.server.runs.run_request import RunRequest
from langgraph_fusion.server.sse import public_event

Json = dict[str, Any]


class ResponseEvents:
    """Turns the events of one run into those of a response; `response` is its latest state."""

    def __init__(self, request: RunRequest, response: Json, *, metadata: bool) -> None:
        self.response = response
        self._request = request
        self.metadata = metadata
        self._panel = PanelItem()
        self._live = LiveAnswer(plain=is_plain(request.settings))
        self._message = new_id("msg")
        self._written: list[str] = []
        self._sent = 0

    def begin(self) -> Iterator[Json]:
        yield self._numbered({"type": "response.created", "response": self.response})
        yield self._numbered({"type": "response.in_progress", "response": self.response})

    def of(self, event: Json) -> Iterator[Json]:
        """The events that an event of the run gives."""
        for panel_event in self._panel.of(event):
            wanted = self._request.progress or "item" in panel_event
            if self._request.fusion_item and wanted:
                yield self._numbered(panel_event, 0)
        yield from self._write(self._live.take(event))
        if event["type"] == "run.finished":
            yield from self._finish(FusionResult.model_validate(event["result"]))
        elif self._request.progress and (shown := public_event(event)):
            yield self._numbered({**shown, "type": f"fusion.{event['type']}"})

    def failed(self, error: Exception, run_id: str | None) -> Iterator[Json]:
        """The last event of a response whose run gave no answer."""
        found = api_error(error, run_id)
        if self.metadata:
            found.beside[METADATA] = error_metadata(found, self._request.requested)
        details = found.body["error"]
        for event in self._panel.failed(details):
            if self._request.fusion_item:
                yield self._numbered(event, 0)
        if details["type"] == "server_error":
            known = {name: details.get(name) for name in ("code", "message", "param")}
            yield self._numbered({"type": "error", **known})
            return
        output = self._panel_output()
        shown = {"code": details["code"] or "server_error", "message": details["message"]}
        ended = {"status": "failed", "error": shown, "output": output, "store": False}
        self.response = self.response | ended | found.beside
        yield self._numbered({"type": "response.failed", "response": self.response})

    def _write(self, piece: str) -> Iterator[Json]:
        if not piece:
            return
        if not self._written:
            item = message_item(self._message, "in_progress", [])
            yield self._of_message("response.output_item.added", item=item)
            part = text_part("", [])
            yield self._of_part("response.content_part.added", part=part)
        self._written.append(piece)
        yield self._of_part("response.output_text.delta", delta=piece, logprobs=[])

    def _finish(self, result: FusionResult) -> Iterator[Json]:
        if not self._written and not result.tool_calls:
            yield from self._write(answer_text(result))
        output = self._panel_output()
        cut_off = "synthesizer_truncated" in result.degraded
        if self._written:
            text = "".join(self._written)
            status = "incomplete" if cut_off else "completed"
            part = text_part(text, url_citations(result, text))
            output.append(message_item(self._message, status, [part]))
            yield from self._close_message(output[-1], part)
        for call in result.tool_calls:
            output.append(call_item(new_id("fc"), call.model_dump(), done=True))
            yield from self._call(output[-1], len(output) - 1)
        self._complete(result, output, cut_off)
        yield self._numbered(
            {"type": f"response.{self.response['status']}", "response": self.response}
        )

    def _close_message(self, item: Json, part: Json) -> Iterator[Json]:
        for number, one in enumerate(part["annotations"]):
            yield self._of_part(
                "response.output_text.annotation.added", annotation_index=number, annotation=one
            )
        yield self._of_part("response.output_text.done", text=part["text"], logprobs=[])
        yield self._of_part("response.content_part.done", part=part)
        yield self._of_message("response.output_item.done", item=item)

    def _call(self, item: Json, index: int) -> Iterator[Json]:
        started = item | {"status": "in_progress", "arguments": ""}
        arguments = {"item_id": item["id"], "name": item["name"], "arguments": item["arguments"]}
        prefix = "response.function_call_arguments."
        delta = {"item_id": item["id"], "delta": item["arguments"]}
        yield self._numbered({"type": "response.output_item.added", "item": started}, index)
        yield self._numbered({"type": f"{prefix}delta", **delta}, index)
        yield self._numbered({"type": f"{prefix}done", **arguments}, index)
        yield self._numbered({"type": "response.output_item.done", "item": item}, index)

    def _complete(self, result: FusionResult, output: list[Any], cut_off: bool) -> None:
        self.response = self.response | {
            "status": "incomplete" if cut_off else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if cut_off else None,
            "output": output,
            "usage": responses_usage(result, self._request.usage_of),
        }
        if self._request.details:
            self.response["fusion"] = extension(result)
        if self.metadata:
            self.response[METADATA] = router_metadata(self._request, result)

    def _of_message(self, kind: str, **fields: Any) -> Json:
        return self._numbered({"type": kind, **fields}, self._message_index)

    def _of_part(self, kind: str, **fields: Any) -> Json:
        event = {"type": kind, "item_id": self._message, "content_index": 0, **fields}
        return self._numbered(event, self._message_index)

    @property
    def _message_index(self) -> int:
        return int(self._request.fusion_item and self._panel.started)

    def _panel_output(self) -> list[Json]:
        item = self._panel.done if self._request.fusion_item else None
        return [item] if item else []

    def _numbered(self, event: Json, output_index: int | None = None) -> Json:
        number, self._sent = self._sent, self._sent + 1
        index = {} if output_index is None else {"output_index": output_index}
        return event | {"sequence_number": number} | index
