"""Tool calls as they come in replies and streams, made into calls that LangChain can carry.

Gateways leave out ids, indexes, types and names, repeat or change them from chunk to chunk, send
arguments as an object, as nothing, or encoded twice, and calls as one object or as a JSON text. A
call goes out in two chunks: its name as soon as it is known, and its arguments, whole, at the end
of the reply. A call without a name gets that of the one tool that its arguments fit, or `UNNAMED`.
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

from langgraph_fusion.models.json_text import lenient_json, read_arguments, strict_json

_NAME = re.compile(r"[\w.:/-]+")
_OWN = frozenset({"id", "index", "type", "function"})
_OF_FUNCTION = frozenset({"name", "arguments", "parameters"})
_OF_CALL = _OF_FUNCTION | {"function"}
_MAX_CALLS = 128
_MOST_TRIED = 1_000_000
"""Characters that are parsed in vain, in one reply."""
UNNAMED = "unnamed"
"""What a call without a name is called, so that the model can be told."""


@dataclass
class _Tries:
    """How much text may be read to find out whether it is whole, for a piece may come after each.

    Of what has been tried too often nothing is taken for whole: the pieces go on as they came.
    """

    left: int = _MOST_TRIED

    def allow(self, chars: int) -> bool:
        self.left -= chars
        return self.left >= 0


@dataclass
class _Call:
    index: int
    id: str
    given_id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    _is_whole: bool | None = None

    def add(self, arguments: str) -> None:
        """Add a piece of its arguments."""
        if arguments:
            self.arguments.append(arguments)
            self._is_whole = None

    def whole(self, tries: _Tries) -> bool:
        """Whether its arguments are an object already."""
        if self._is_whole is None:
            said = "".join(self.arguments).strip()
            ends = said.endswith("}") and tries.allow(len(said))
            self._is_whole = ends and isinstance(lenient_json(said), dict)
        return self._is_whole


class ToolCallReader:
    """The tool calls of one reply."""

    def __init__(self, taken: Collection[str], tools: Any = None) -> None:
        self._taken = set(taken)
        """Ids of the conversation so far: none may come twice."""
        self._calls: list[_Call] = []
        self._by_index: dict[object, _Call] = {}
        self._tools = tools
        self._tries = _Tries()
        self.chars = 0
        """Characters of arguments until now."""
        self._written: list[str] = []
        """Pieces of calls as a JSON text that is not whole yet."""

    def read(self, said: dict[str, Any]) -> list[ToolCallChunk]:
        """Take the calls of a message or of a piece of one; return those that are new."""
        calls = said.get("tool_calls")
        if isinstance(calls, str):
            calls = self._read_text(calls)
        given = _listed(calls)
        if function := _object(said.get("function_call")):  # OpenAI's form until 2023
            given.append({"function": function})
        return self._all_begun(given)

    def end(self, *, spoken: bool = False) -> list[ToolCallChunk]:
        """Return the arguments of all calls, and the whole of those without a name.

        In a reply that has `spoken`, a call without name, id and arguments is none.
        """
        written = lenient_json("".join(self._written)) if self._written else None
        late = {chunk["index"]: chunk for chunk in self._all_begun(_listed(written))}
        chunks = list[ToolCallChunk]()
        for call in self._calls:
            arguments = read_arguments("".join(call.arguments))
            args = json.dumps(arguments)
            if call.name:
                chunks.append({**late.get(call.index, _chunk(call)), "args": args})
            elif arguments or call.given_id or not (spoken or chunks):
                name = _tool_that_fits(arguments, self._tools) or UNNAMED
                chunks.append(_chunk(call, name=name, id=call.id, args=args))
        return chunks

    def _all_begun(self, given: list[Any]) -> list[ToolCallChunk]:
        begun = [self._begun(one) for one in map(_object, given) if one is not None]
        return [_chunk(call, name=call.name, id=call.id) for call in begun if call]

    def _read_text(self, piece: str) -> Any:
        """The calls of a JSON text once it is whole."""
        self._written.append(piece)
        self.chars += len(piece)
        if not piece.rstrip().endswith(("]", "}")):
            return None
        written = "".join(self._written)
        if not self._tries.allow(len(written)):
            return None
        try:
            calls = strict_json(written)
        except ValueError:
            return None
        self._written = []
        return calls

    @property
    def extras(self) -> dict[str, dict[str, Any]]:
        """What else the provider said of a call, by its id: it may want that back."""
        return {call.id: call.extra for call in self._calls if call.extra}

    def _begun(self, said: dict[str, Any]) -> _Call | None:
        """Add a piece to its call; return the call if its name has just become known."""
        function = _object(said.get("function")) or said
        names = [function.get("name"), said.get("name")]
        names += [said.get("function")] if function is said else []  # the name alone
        given = next((one for one in names if isinstance(one, str) and one), "")
        found = _NAME.search(given)
        name = found[0] if found else ""
        arguments = _text(function.get("arguments", function.get("parameters")))
        call = self._call_of(said, name, arguments)
        if call is None:
            return None
        new = bool(name) and not call.name
        call.name = call.name or name
        call.add(arguments)
        self.chars += len(arguments)
        call.extra |= {key: said[key] for key in said.keys() - _OWN if function is not said}
        inner = {key: function[key] for key in function.keys() - _OF_FUNCTION - _OWN}
        if inner and function is not said:
            call.extra["function"] = call.extra.get("function", {}) | inner
        return call if new else None

    def _call_of(self, said: dict[str, Any], name: str, arguments: str) -> _Call | None:
        given_id = said.get("id")
        given_id = given_id if isinstance(given_id, str) else ""
        index = said.get("index")
        index = None if index is None else str(index)
        latest = self._calls[-1] if self._calls else None
        last = latest if index is None else self._by_index.get(index)
        another = last is not None and index is None and self._is_another(last, name, arguments)
        if last is not None and not another and self._goes_on(last, given_id, name, index):
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
        if name and call.name and (name != call.name or call.whole(self._tries)):
            return False
        return bool(index is not None or not name or not call.name or given_id)

    def _is_another(self, call: _Call, name: str, arguments: str) -> bool:
        """Whether a piece without an index begins another call after a nameless whole one."""
        begins = bool(name or arguments.lstrip().startswith("{"))
        return begins and not call.name and call.whole(self._tries)

    def _free(self, given: str) -> str:
        """The id of the server if it has one that nobody has, else a new one."""
        id = given if given and given not in self._taken else f"call_{uuid4().hex[:24]}"
        self._taken.add(id)
        return id


def _chunk(
    call: _Call, *, name: str | None = None, args: str = "", id: str | None = None
) -> ToolCallChunk:
    return tool_call_chunk(name=name, args=args, id=id, index=call.index)


def _listed(calls: Any) -> list[Any]:
    """The calls of a list, of one call, or of an object that has them by number or by name."""
    if isinstance(calls, list):
        return list(calls)
    if not isinstance(calls, dict):
        return []
    if calls.keys() & _OF_CALL:
        return [calls]
    return [
        one if isinstance(one, dict) and one.keys() & _OF_CALL else {"name": name, "arguments": one}
        for name, one in calls.items()
        if isinstance(one, dict | str)
    ]


def _object(given: Any) -> dict[str, Any] | None:
    """An object, or that of a JSON text."""
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = lenient_json(given)
    return given if isinstance(given, dict) else None


def _tool_that_fits(arguments: dict[str, Any], tools: Any) -> str:
    """The one tool that has all these parameters and can do with them; empty if it is not one."""
    functions = [
        function
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict) and isinstance(function := tool.get("function"), dict)
    ]
    fit = [str(one.get("name", "")) for one in functions if _fits(arguments, one)]
    return fit[0] if len(fit) == 1 else ""


def _fits(arguments: dict[str, Any], function: dict[str, Any]) -> bool:
    schema = function.get("parameters")
    if not arguments or not isinstance(schema, dict):
        return False
    known, needed = schema.get("properties"), schema.get("required")
    has_all = isinstance(known, dict) and arguments.keys() <= known.keys()
    wanted = needed if isinstance(needed, list) else []
    return has_all and all(str(one) in arguments for one in wanted)


def _text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments)
