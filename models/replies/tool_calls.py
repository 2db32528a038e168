"""Tool calls as they come in replies and streams, made into calls that LangChain can carry.

Gateways leave out ids, indexes and types, repeat or change them from chunk to chunk, send
arguments as an object, as nothing, or encoded twice. A call goes out in two chunks: its name as
soon as it is known, and its arguments, whole, at the end of the reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from langchain_core.messages import ToolCallChunk
from langchain_core.messages.tool import tool_call_chunk

from langgraph_fusion.models.json_text import lenient_json, read_arguments

_NAME = re.compile(r"[\w.:/-]+")
_OWN = frozenset({"id", "index", "type", "function"})
_OF_FUNCTION = frozenset({"name", "arguments", "parameters"})
_MAX_CALLS = 128


@dataclass
class _Call:
    index: int
    id: str
    given_id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether its arguments are an object already."""
        said = "".join(self.arguments).strip()
        return said.endswith("}") and isinstance(lenient_json(said), dict)


class ToolCallReader:
    """The tool calls of one reply."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = set(taken)
        """Ids of the conversation so far: none may come twice."""
        self._calls: list[_Call] = []
        self._by_index: dict[object, _Call] = {}

    def read(self, said: dict[str, Any]) -> list[ToolCallChunk]:
        """Take the calls of a message or of a piece of one; return those that are new."""
        calls = said.get("tool_calls")
        given = list(calls) if isinstance(calls, list) else []
        if isinstance(said.get("function_call"), dict):  # OpenAI's form until 2023
            given.append({"function": said["function_call"]})
        begun = [self._begun(one) for one in given if isinstance(one, dict)]
        return [_chunk(call, name=call.name, id=call.id) for call in begun if call]

    def end(self) -> list[ToolCallChunk]:
        """Return the arguments of all calls."""
        return [
            _chunk(call, args=json.dumps(read_arguments("".join(call.arguments))))
            for call in self._calls
            if call.name
        ]

    @property
    def extras(self) -> dict[str, dict[str, Any]]:
        """What else the provider said of a call, by its id: it may want that back."""
        return {call.id: call.extra for call in self._calls if call.extra}

    def _begun(self, said: dict[str, Any]) -> _Call | None:
        """Add a piece to its call; return the call if its name has just become known."""
        function = said.get("function")
        function = function if isinstance(function, dict) else said
        given = function.get("name")
        found = _NAME.search(given) if isinstance(given, str) else None
        name = found[0] if found else ""
        call = self._call_of(said, name)
        if call is None:
            return None
        new = bool(name) and not call.name
        call.name = call.name or name
        call.arguments.append(_text(function.get("arguments", function.get("parameters"))))
        call.extra |= {key: said[key] for key in said.keys() - _OWN if function is not said}
        inner = {key: function[key] for key in function.keys() - _OF_FUNCTION - _OWN}
        if inner and function is not said:
            call.extra["function"] = call.extra.get("function", {}) | inner
        return call if new else None

    def _call_of(self, said: dict[str, Any], name: str) -> _Call | None:
        given_id = said.get("id")
        given_id = given_id if isinstance(given_id, str) else ""
        index = said.get("index")
        index = None if index is None else str(index)
        latest = self._calls[-1] if self._calls else None
        last = latest if index is None else self._by_index.get(index)
        if last is not None and self._goes_on(last, given_id, name, index):
            return last
        if len(self._calls) >= _MAX_CALLS:
            return None
        call = _Call(len(self._calls), self._free(given_id), given_id)
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call

    def _goes_on(self, call: _Call, given_id: str, name: str, index: str | None) -> bool:
        """Whether a piece belongs to this call, and does not begin another one."""
        if given_id and call.given_id and given_id != call.given_id:
            return False
        if name and call.name and (name != call.name or call.whole):
            return False
        return bool(index is not None or not name or not call.name or given_id)

    def _free(self, given: str) -> str:
        """The id of the server if it has one that nobody has, else a new one."""
        id = given if given and given not in self._taken else f"call_{uuid4().hex[:24]}"
        self._taken.add(id)
        return id


def _chunk(
    call: _Call, *, name: str | None = None, args: str = "", id: str | None = None
) -> ToolCallChunk:
    return tool_call_chunk(name=name, args=args, id=id, index=call.index)


def _text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments)
