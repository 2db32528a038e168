"""The `openrouter:fusion` item of a response and its events, from the events of a run.

The hosted product streams what members write as they write it; here a member's text is one
`panel.delta`, when it is whole, and so is what it thought: members may still be cut off or give way
to a fallback. OpenAI's own clients end a stream at any event that has an `error`,
so for them `panel.failed` says it as `message`. Follow-up rounds have no events of their own in
that contract, so `analysis.completed` comes once, with the last analysis.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langgraph_fusion.graph.records import MemberAnswer
from langgraph_fusion.graph.request.file_blocks import is_file, sent_file
from langgraph_fusion.server.openrouter.result import (
    failed_model,
    hosted_analysis,
    hosted_name,
    unique_sources,
)

Json = dict[str, Any]
_CALL = "response.fusion_call."
_AFTER_PANEL = frozenset({"sources", "writer.started", "run.finished"})


class PanelItem:
    """Follows one run; `done` once the panel and the judge are."""

    def __init__(self) -> None:
        self.id = new_id("fus")
        self.started = False
        self.done: Json | None = None
        self._models: dict[str, str] = {}
        self._answers: dict[str, MemberAnswer] = {}
        self._analysis: Json | None = None
        self._reason: str | None = None
        self._judged = False
        self._begun: set[str] = set()
        self._sources: list[Json] = []

    def of(self, event: Mapping[str, Any]) -> Iterator[Json]:
        """The events of the contract that an event of the run gives.

        A run that another worker has taken up tells from its start again what had happened.
        """
        match event["type"]:
            case "run.started" if event["seats"] and not self.started:
                yield from self._start(event["seats"])
            case "member.started" | "member.reasoning" | "member.finished" if event["round"] == 0:
                yield from self._member(event)
            case "judge.started" if not self._judged:
                self._judged = True
                judge = hosted_name(event["model"])
                yield self._event("analysis.in_progress", analyst_model=judge, judge_model=judge)
            case "judge.finished":
                self._read_analysis(event)
            case "rounds.ended":
                self._rounds_ended(event)
            case "sources":
                self._sources = unique_sources(event["sources"])
        if self.started and self.done is None and event["type"] in _AFTER_PANEL:
            yield from self._end(event)

    def failed(self, error: Mapping[str, Any]) -> Iterator[Json]:
        """The item of a run that gave no answer; `error` is that of the HTTP API."""
        if not self.started or self.done is not None:
            return
        self.done = fusion_item(
            self.id,
            "incomplete",
            **self._found(),
            failure_reason=error.get("failure_reason") or "unexpected_error",
            error=error["message"],
        )
        yield {"type": "response.output_item.done", "item": self.done}

    def _start(self, seats: list[Mapping[str, str]]) -> Iterator[Json]:
        self.started = True
        self._models = {one["seat"]: hosted_name(one["model"]) for one in seats}
        item = fusion_item(self.id, "in_progress")
        yield {"type": "response.output_item.added", "item": item}
        yield self._event("in_progress")

    def _member(self, event: Mapping[str, Any]) -> Iterator[Json]:
        model = self._models[event["seat"]]
        if event["type"] == "member.started" and event["seat"] not in self._begun:
            self._begun.add(event["seat"])
            yield self._event("panel.added", model=model)
        elif event["type"] == "member.reasoning":
            yield self._event("panel.reasoning.delta", model=model, delta=event["text"])
        elif event["type"] == "member.finished" and event["seat"] not in self._answers:
            yield from self._member_events(MemberAnswer.model_validate(event["answer"]))

    def _member_events(self, answer: MemberAnswer) -> Iterator[Json]:
        self._answers[answer.seat] = answer
        model = self._models[answer.seat]
        if answer.text:
            yield self._event("panel.delta", model=model, delta=answer.text)
            yield self._event("panel.completed", model=model, content=answer.text)
        else:
            failed = failed_model(answer, self._models)
            failed["message"] = failed.pop("error")
            yield self._event("panel.failed", **failed)

    def _rounds_ended(self, event: Mapping[str, Any]) -> None:
        if event["reason"] == "no_judge":
            self._reason = "no_judge"

    def _read_analysis(self, event: Mapping[str, Any]) -> None:
        if event["analysis"] is not None:
            self._analysis = hosted_analysis(event["analysis"], self._models)
        self._reason = event["reason"]

    def _end(self, event: Mapping[str, Any]) -> Iterator[Json]:
        if event["type"] == "run.finished":
            self._sources = unique_sources(event["result"]["sources"])
        if self._analysis is not None:
            yield self._event("analysis.completed", analysis=self._analysis)
        yield self._event("completed")
        self.done = fusion_item(
            self.id,
            "completed",
            **self._found(),
            failure_reason=None if self._analysis else self._reason,
        )
        yield {"type": "response.output_item.done", "item": self.done}

    def _found(self) -> Json:
        answers = [self._answers[seat] for seat in sorted(self._answers)]
        texts = [{"model": self._models[a.seat], "content": a.text} for a in answers if a.text]
        failed = [failed_model(a, self._models) for a in answers if not a.text]
        return {
            "analysis": self._analysis,
            "responses": texts or None,
            "failed_models": failed or None,
            "sources": self._sources or None,
        }

    def _event(self, name: str, **fields: Any) -> Json:
        return {"type": _CALL + name, "item_id": self.id, **fields}


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex}"


def fusion_item(id: str, status: str, **found: Any) -> Json:
    """An `openrouter:fusion` item; what was not found is left out."""
    kept = {name: value for name, value in found.items() if value is not None}
    return {"type": "openrouter:fusion", "id": id, "status": status, **kept}


def text_part(text: str, annotations: list[Json]) -> Json:
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": []}


def message_item(id: str, status: str, content: list[Json]) -> Json:
    return {
        "type": "message",
        "id": id,
        "status": status,
        "role": "assistant",
        "content": content,
    }


def call_item(id: str, call: Mapping[str, Any], *, done: bool) -> Json:
    """A call of a client's tool; while it is being written without its arguments."""
    return {
        "type": "function_call",
        "id": id,
        "status": "completed" if done else "in_progress",
        "call_id": call["id"],
        "name": call["name"],
        "arguments": _arguments(call["args"]) if done else "",
    }


def _arguments(args: Any) -> str:
    """As JSON; of a call that could not be read what was sent."""
    return args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)


def input_items(response_id: str, turns: Iterable[BaseMessage]) -> list[Json]:
    """The turns that a response answered, as items; their ids are the same each time."""
    items = (item for turn in turns for item in _items_of(turn))
    base = response_id.removeprefix("resp_")
    return [item | {"id": f"item_{base}_{number}"} for number, item in enumerate(items)]


def _items_of(turn: BaseMessage) -> Iterator[Json]:
    if isinstance(turn, ToolMessage):
        ended = {"call_id": turn.tool_call_id, "output": turn.text, "status": "completed"}
        yield {"type": "function_call_output", **ended}
    elif isinstance(turn, AIMessage):
        if turn.text:
            yield message_item("", "completed", [text_part(turn.text, [])])
        for call in (*turn.tool_calls, *turn.invalid_tool_calls):
            yield call_item("", call, done=True)
    else:
        role = "user" if isinstance(turn, HumanMessage) else "system"
        content = [*_input_parts(turn)]
        yield message_item("", "completed", content) | {"role": role}


def _input_parts(turn: BaseMessage) -> Iterator[Json]:
    for part in turn.content_blocks if isinstance(turn.content, list) else ():
        if part["type"] == "text":
            yield {"type": "input_text", "text": part["text"]}
        elif part["type"] == "image":
            url = part.get("url") or f"data:{part.get('mime_type')};base64,{part.get('base64')}"
            detail = part.get("extras", {}).get("detail", "auto")
            yield {"type": "input_image", "image_url": url, "detail": detail}
        elif is_file(part):
            yield _input_file(part)
    if isinstance(turn.content, str):
        yield {"type": "input_text", "text": turn.content}


def _input_file(part: Any) -> Json:
    """A file in the form of this API, from which it can be read again."""
    sent = sent_file(part)
    if sent.url:
        return {"type": "input_file", "filename": sent.name, "file_url": sent.url}
    return {"type": "input_file", "filename": sent.name, "file_data": sent.data}
