"""Tool calls that a model wrote into its text, because its server did not read them out of it.

Understood are calls in JSON or XML that have a name and arguments, as of Hermes and Qwen, Llama,
Mistral, Anthropic, and fences named after a tool call. What cannot be read is no call.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from langgraph_fusion.models.tool_markup import leaked_markup

_JSON = (
    r"<(?:[\w.-]+:)?(?:tool_call|function_call)\b[^>\n]*>\s*(\{.*?)\s*"
    r"(?:</(?:[\w.-]+:)?(?:tool_call|function_call)>|\Z)",
    r"```[ \t]*tool_call[^\n]*\n\s*(\{.*?)\s*(?:```|\Z)",
    r"<\|python_tag\|>\s*(\{.*?)\s*(?:<\|eo[mt]_id\|>|\Z)",
    r"\[TOOL_CALLS\]\s*(\[\s*\{.*?\])\s*(?:\n\n|\Z)",
)
_NAMED = (
    r"<function=([\w.-]+)>\s*(.*?)\s*(?:</function>|\Z)",
    r"<(?:[\w-]+:)?invoke name=\"([\w.-]+)\">\s*(.*?)\s*(?:</(?:[\w-]+:)?invoke>|\Z)",
)
_PARAMETER = re.compile(
    r"<(?:[\w-]+:)?parameter(?:=| name=\")([\w.-]+)\"?>\s*(.*?)\s*</(?:[\w-]+:)?parameter>", re.S
)
_BODIES = re.compile("|".join(_JSON), re.S)
_CALLS = tuple(re.compile(pattern, re.S) for pattern in _NAMED)


def leaked_calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return name and arguments of every call in the text, but for code and thinking."""
    if "<" not in text and "[TOOL_CALLS]" not in text and "```" not in text:
        return []
    leaked = leaked_markup(text)
    return [call for each in leaked for call in (*_from_json(each), *_from_xml(each))]


def _from_json(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    from json_repair import loads

    for found in _BODIES.finditer(text):
        body: Any = loads(next(group for group in found.groups() if group))
        for call in body if isinstance(body, list) else [body]:
            if isinstance(call, dict) and isinstance(call.get("name"), str):
                given = call.get("arguments", call.get("parameters"))
                yield call["name"], _arguments(given)


def _from_xml(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for pattern in _CALLS:
        for name, body in pattern.findall(text):
            given = {key: html.unescape(value) for key, value in _PARAMETER.findall(body)}
            yield name, given or _arguments(body)


def _arguments(given: Any) -> dict[str, Any]:
    from json_repair import loads

    if isinstance(given, str) and given.startswith("{"):
        given = loads(given)
    return given if isinstance(given, dict) else {}
