"""Tool calls and thinking that a model wrote into its text, because no server read them out of it.

Understood are calls in JSON or XML that have a name and arguments, as of Hermes and Qwen, Llama,
Mistral, Anthropic, and fences named after a tool call. What cannot be read is no call.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

_LINE = r"(?:^|(?<=\n))[ \t]*"
_LINE_END = r"[ \t]*(?=\n|\Z)"
_CALLS = r"(?:[\w.-]+:)?(?:tool_calls?|function_calls?|tool_(?:response|result|output)s?)"
_BAR = r"[|\uff5c]"  # DeepSeek writes its special tokens with a fullwidth bar
_GAP = r"[_ \u2581]"

_CODE = (
    _LINE + r"(?P<fence>`{3,}|~{3,})(?![ \t]*tool_)[^\n]*\n"
    r"(?:(?:.*?\n)??[ \t]*(?P=fence)[`~]*" + _LINE_END + r"|.*\Z)",
    r"(?<!`)(?P<ticks>``?)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=ticks)(?!`)",
)
_MARKUP = (
    # ```tool_code fences of Gemini and Gemma
    r"```[ \t]*tool_\w+[^\n]*\n.*?(?:```|\Z)",
    # thinking on lines of its own, closed or not
    _LINE + r"<(?P<think>think|thinking|thought|reasoning)>.*?(?:</(?P=think)>|\Z)",
    # <tool_call>…</tool_call> with something like a call in it, or left open
    rf"<(?P<calls>{_CALLS})\b[^>\n]*>(?=[^<]*(?:[{{\[(]|<[^/])).*?</(?P=calls)>",
    _LINE + rf"<{_CALLS}\b[^>\n]*>(?=\s*[{{<\[\w]).*\Z",
    # <invoke name="…">…</invoke>, <function=…>…</function>
    r"<(?P<invoke>(?:[\w-]+:)?invoke) name=[^>\n]*>.*?(?:</(?P=invoke)>|\Z)",
    r"<function=[^>\n]*>.*?(?:</function>|\Z)",
    # <|tool_calls_begin|>…<|tool_calls_end|>, and DSML
    rf"<{_BAR}(?P<begun>tool{_GAP}calls?(?:{_GAP}section)?){_GAP}begin{_BAR}>.*?"
    rf"(?:<{_BAR}(?P=begun){_GAP}end{_BAR}>|\Z)",
    rf"<{_BAR}DSML{_BAR}(?P<dsml>\w+)[^>\n]*>.*?(?:</{_BAR}DSML{_BAR}(?P=dsml)>|\Z)",
    # channels of GPT-OSS
    r"<\|channel\|>\s*(?:analysis|commentary)\b.*?"
    r"(?:<\|end\|>|<\|call\|>|(?=<\|channel\|>\s*final)|\Z)",
    r"<\|channel\|>\s*final\s*(?:<\|message\|>)?",
    r"<\|start\|>\s*assistant",
    # Llama, Mistral
    r"<\|python_tag\|>.*?(?:<\|eo[mt]_id\|>|\Z)",
    r"\[TOOL_CALLS\]\s*(?=[\w.-]*\s*[\[{]).*?(?:(?=\n\n)|\Z)",
    # single tokens that are left
    r"<\|(?:start|end|message|call|return|im_start|im_end|eot_id|eom_id|endoftext|tool_\w+)\|>",
    r"<\uff5c[^\uff5c<>\n]{1,40}\uff5c>",
    _LINE + rf"</(?:{_CALLS}|think|thinking|invoke|function)>" + _LINE_END,
)
# Scanned from left to right, so that what begins first wins: code is kept with the markup inside
# it, and markup goes with the code inside it.
_SCAN = re.compile(f"(?P<keep>{'|'.join(_CODE)})|{'|'.join(_MARKUP)}", re.S)
_HEADLESS_THINKING = re.compile(r"\A(?:(?!<think).)*?(?:^|\n)[ \t]*</think(?:ing)?>[ \t]*\n", re.S)


def leaked_markup(text: str) -> list[str]:
    """Return the stretches of leaked markup, without those in code and in thinking."""
    return [
        found.group() for found in _SCAN.finditer(text) if not found["keep"] and not found["think"]
    ]


def strip_tool_markup(text: str) -> str:
    """Return the text without leaked tool calls and thinking blocks.

    Code spans and fences are kept as they are, and so is prose that merely names a tag. A text
    without markup comes back unchanged.
    """
    bare = _SCAN.sub(lambda found: found["keep"] or "", _HEADLESS_THINKING.sub("", text))
    return text if bare == text else re.sub(r"\n{3,}", "\n\n", bare).strip()


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
_XML_CALLS = tuple(re.compile(pattern, re.S) for pattern in _NAMED)


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
    for pattern in _XML_CALLS:
        for name, body in pattern.findall(text):
            given = {key: html.unescape(value) for key, value in _PARAMETER.findall(body)}
            yield name, given or _arguments(body)


def _arguments(given: Any) -> dict[str, Any]:
    from json_repair import loads

    if isinstance(given, str) and given.startswith("{"):
        given = loads(given)
    return given if isinstance(given, dict) else {}
