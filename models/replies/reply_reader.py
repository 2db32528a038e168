"""Build a message from the pieces of a model server's response, whatever is missing or odd."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from langchain_core.messages import AIMessageChunk, ToolCallChunk

from langgraph_fusion.models.errors import BadResponse, UpstreamError
from langgraph_fusion.models.replies.event_stream import LOST
from langgraph_fusion.models.replies.reasoning_details import ReasoningDetails
from langgraph_fusion.models.replies.tool_calls import ToolCallReader
from langgraph_fusion.models.usage import bill_of, tokens_of

_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""What providers call the thinking of a model, in the order in which it is believed."""
SENT_BACK = ("extra_content", "thought_signature", "signature", "reasoning_opaque")
"""Members of a message that their provider wants to see again, unread."""


_MOST_CHARS = 4_000_000
"""Of text, thinking and arguments in one reply: several times what any model can write."""


class ReplyReader:
    """The reply of one call: `read` its values as they come, then `end` it.

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
        self._chars = 0
        self._texts: list[str] = []
        """What has been read and not been returned yet; likewise the next two."""
        self._kept: dict[str, list[str]] = {}
        self._begun_calls: list[ToolCallChunk] = []
        self._thoughts: list[str] = []
        self._details = ReasoningDetails()
        self._sent_back: dict[str, Any] = {}

    def read(self, values: Iterable[Any]) -> Iterator[AIMessageChunk]:
        """Yield what these values add to the message, in one piece; nothing if they add nothing.

        Raises:
            UpstreamError: If one is an error object, or says that the reply ended with one; after
                what was before it.
            BadResponse: If the reply is longer than any model's.
        """
        try:
            for value in values:
                self._read(value)
        finally:
            if chunk := self._taken():
                yield chunk

    def _read(self, value: Any) -> None:
        if not isinstance(value, dict):
            self._lost = self._lost or value is LOST or isinstance(value, list)
            return
        choice = _first_choice(value)
        _refuse_error(value, choice)
        self._note(value, choice)
        said = choice.get("delta") or choice.get("message")
        if not isinstance(said, dict):
            said = {"content": choice["text"]} if isinstance(choice.get("text"), str) else {}
        self._begun = self._begun or bool(choice)
        repeats = self._spoken and not choice.get("delta") and bool(choice.get("message"))
        if not repeats:
            self._add(said)

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
        if details := self._details.joined():
            kept["reasoning_details"] = details
        return AIMessageChunk(
            content=self._misplaced(),
            tool_call_chunks=self._calls.end(spoken=self._spoken),
            additional_kwargs=kept,
            response_metadata=metadata,
            usage_metadata=used.as_metadata(),
        )

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

    def _add(self, said: dict[str, Any]) -> None:
        content = said.get("content")
        text, thoughts = _text_and_thoughts(said.get("parsed") if content is None else content)
        self._sent_back |= {name: said[name] for name in SENT_BACK if said.get(name)}
        if refusal := said.get("refusal"):
            self._keep("refusal", str(refusal))
        self._chars += self._details.add(said.get("reasoning_details"))
        for name in _THOUGHTS:
            if isinstance(said.get(name), str) and said[name] and not thoughts:
                thoughts = said[name]
                if not self._thoughts:
                    self._keep("reasoning_field", name)
        if thoughts:
            self._keep("reasoning_content", thoughts)
            self._thoughts.append(thoughts)
        calls = self._calls.read(said)
        self._spoken = self._spoken or bool(text or calls)
        self._texts.append(text)
        self._begun_calls += calls
        self._chars += len(text)
        if self._chars + self._calls.chars > _MOST_CHARS:
            raise BadResponse(f"the model wrote more than {_MOST_CHARS} characters")

    def _keep(self, name: str, text: str) -> None:
        self._kept.setdefault(name, []).append(text)
        self._chars += len(text)

    def _taken(self) -> AIMessageChunk | None:
        """What was read since the last time."""
        text, calls = "".join(self._texts), self._begun_calls
        kept: dict[str, Any] = {name: "".join(parts) for name, parts in self._kept.items()}
        self._texts, self._kept, self._begun_calls = [], {}, []
        if not (text or kept or calls):
            return None
        return AIMessageChunk(content=text, additional_kwargs=kept, tool_call_chunks=calls)


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
