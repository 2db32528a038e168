"""Build a message from the pieces of a model server's response, whatever is missing or odd."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from langchain_core.messages import AIMessageChunk

from langgraph_fusion.models.errors import BadResponse, UpstreamError
from langgraph_fusion.models.replies.event_stream import LOST
from langgraph_fusion.models.replies.tool_calls import ToolCallReader
from langgraph_fusion.models.usage import bill_of, tokens_of

_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""What providers call the thinking of a model, in the order in which it is believed."""
SENT_BACK = ("extra_content", "thought_signature", "signature", "reasoning_opaque")
"""Members of a message that their provider wants to see again, unread."""


class ReplyReader:
    """The reply of one call: `read` its values one by one, then `end` it.

    `tools` are those that were offered, as OpenAI writes them.
    """

    def __init__(self, model: str, taken_ids: Collection[str] = (), tools: Any = None) -> None:
        self._model = model
        self._calls = ToolCallReader(taken_ids, tools)
        self._lost = False
        self._begun = False
        self._spoken = False
        self._finish: str | None = None
        self._bill: dict[str, Any] | None = None
        self._served = ""
        self._thoughts: list[str] = []
        self._details: list[dict[str, Any]] = []
        self._sent_back: dict[str, Any] = {}

    def read(self, value: Any) -> AIMessageChunk | None:
        """Return what a value adds to the message; None if it adds nothing.

        Raises:
            UpstreamError: If it is an error object, or says that the reply ended with one.
        """
        if not isinstance(value, dict):
            self._lost = self._lost or value is LOST or isinstance(value, list)
            return None
        choice = _first_choice(value)
        _refuse_error(value, choice)
        self._note(value, choice)
        said = choice.get("delta") or choice.get("message")
        if not isinstance(said, dict):
            said = {"content": choice["text"]} if isinstance(choice.get("text"), str) else {}
        self._begun = self._begun or bool(choice)
        repeats = self._spoken and not choice.get("delta") and bool(choice.get("message"))
        return None if repeats else self._chunk(said)

    def end(self, done: bool) -> AIMessageChunk:
        """Return the last piece: arguments of calls, why the reply ended, and the bill.

        `done` says that the server brought the answer to an end. After a piece that could not be
        read only a finish reason says so.

        Raises:
            BadResponse: If there was no reply, or it was broken off.
        """
        if not self._begun:
            raise BadResponse("the server answered a completion without a message")
        ended = not self._lost and (done or self._bill is not None)
        if self._finish is None and not ended:
            raise BadResponse("the reply was broken off: the stream ended before it was whole")
        metadata: dict[str, Any] = {"asked_models": [self._model]}
        if self._finish is not None:
            metadata["finish_reason"] = self._finish
        if self._served:
            metadata["model_name"] = self._served
        if self._bill is not None:
            metadata["bills"] = [self._bill]
        used = tokens_of((self._bill or {}).get("usage") or {})
        kept = dict(self._sent_back)
        if extras := self._calls.extras:
            kept["tool_call_extras"] = extras
        if self._details:
            kept["reasoning_details"] = self._details
        return AIMessageChunk(
            content=self._misplaced(),
            tool_call_chunks=self._calls.end(spoken=self._spoken),
            additional_kwargs=kept,
            response_metadata=metadata,
            usage_metadata=used.as_metadata(),
        )

    def _add_details(self, given: Any) -> None:
        """Join the pieces of one block of reasoning; blocks go back as they came."""
        for one in given if isinstance(given, list) else ():
            if not isinstance(one, dict):
                continue
            last = self._details[-1] if self._details else {}
            if not _same_block(one, last):
                self._details.append(dict(one))
                continue
            for key, value in one.items():
                joined = key in ("text", "summary") and isinstance(last.get(key), str)
                if value is not None:
                    last[key] = last[key] + value if joined and isinstance(value, str) else value

    def _misplaced(self) -> str:
        """JSON that was asked for, where a server took all of the reply for thinking."""
        thoughts = "" if self._spoken else "".join(self._thoughts).strip()
        return thoughts if thoughts.startswith("{") and thoughts.endswith("}") else ""

    def _note(self, value: dict[str, Any], choice: dict[str, Any]) -> None:
        finish = choice.get("finish_reason") or choice.get("finishReason")
        if isinstance(finish, str) and finish:
            self._finish = finish
        if bill := bill_of(value):
            self._bill = bill
        if isinstance(value.get("model"), str):
            self._served = value["model"]

    def _chunk(self, said: dict[str, Any]) -> AIMessageChunk | None:
        content = said.get("content")
        text, thoughts = _text_and_thoughts(said.get("parsed") if content is None else content)
        kept: dict[str, Any] = {}
        self._sent_back |= {name: said[name] for name in SENT_BACK if said.get(name)}
        if refusal := said.get("refusal"):
            kept["refusal"] = str(refusal)
        self._add_details(said.get("reasoning_details"))
        for name in _THOUGHTS:
            if isinstance(said.get(name), str) and said[name] and not thoughts:
                thoughts = said[name]
                if not self._thoughts:
                    kept["reasoning_field"] = name
        if thoughts:
            kept["reasoning_content"] = thoughts
            self._thoughts.append(thoughts)
        calls = self._calls.read(said)
        self._spoken = self._spoken or bool(text or calls)
        if not (text or kept or calls):
            return None
        return AIMessageChunk(content=text, additional_kwargs=kept, tool_call_chunks=calls)


def _same_block(one: dict[str, Any], other: dict[str, Any]) -> bool:
    same = one.get("index") is not None and one.get("index") == other.get("index")
    return same and one.get("type") == other.get("type")


def _first_choice(value: dict[str, Any]) -> dict[str, Any]:
    choices = value.get("choices")
    found = [c for c in choices if isinstance(c, dict)] if isinstance(choices, list) else []
    return next((c for c in found if c.get("index") in (0, None, "0")), {})


def _refuse_error(value: dict[str, Any], choice: dict[str, Any]) -> None:
    if value.get("error"):
        raise UpstreamError.from_body(value["error"])
    if choice.get("error") or choice.get("finish_reason") == "error":
        raise UpstreamError.from_body(choice.get("error"))
    errors = value.keys() & {"detail", "errors", "message", "msg"}
    if not choice and errors and "usage" not in value and "id" not in value:
        raise UpstreamError.from_body(value)


def _text_and_thoughts(content: Any) -> tuple[str, str]:
    """The text and the thinking of a content: a text, a list of parts, or something odd."""
    if content is None or isinstance(content, str):
        return content or "", ""
    if not isinstance(content, list):
        return _as_text(content), ""
    texts, thoughts = list[str](), list[str]()
    for part in content:
        if isinstance(part, dict) and (part.get("thinking") or part.get("type") == "reasoning"):
            thoughts.append(_as_text(part.get("thinking") or part))
        else:
            texts.append(_as_text(part))
    return "".join(texts), "".join(thoughts)


def _as_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(map(_as_text, part))
    if not isinstance(part, dict):
        return "" if part is None else json.dumps(part)
    for name in ("text", "content", "refusal"):
        if isinstance(part.get(name), str):
            return str(part[name])
    return "" if "type" in part else json.dumps(part)  # a picture; or JSON that was asked for
