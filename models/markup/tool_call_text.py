"""Parse tool calls that a model wrote into its text, in any notation.

A notation is an object or a list in JSON, tags, a name before its arguments, or a line of Python.
Nothing here raises, and everything takes time linear in the length of the text.
"""

from __future__ import annotations

import ast
import html
import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

from langgraph_fusion.models.json_text import lenient_json, read_arguments, strict_json

Call = tuple[str, dict[str, Any]]

_MAX = 200_000
_NAMES = ("name", "tool_name", "tool", "function_name", "action")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "params", "action_input")
_BEGIN = re.compile(r"<[|\uff5c]tool[_ \u2581]call[_ \u2581]begin[|\uff5c]>")
_END = re.compile(r"<[|\uff5c]tool[_ \u2581]calls?[_ \u2581](?:section[_ \u2581])?end[|\uff5c]>")
_SEPARATOR = re.compile(r"<\|tool_call_argument_begin\|>|<[|\uff5c]tool[_ \u2581]sep[|\uff5c]>")
_TO = re.compile(r"\bto=([\w.:-]{1,80})")
_GEMMA = re.compile(r"\bcall:([\w.-]{1,80})\s{0,4}(?=\{)")
_GEMMA_TEXT = re.compile(r'<\|"\|>|</?escape>')
_TAG_NOISE = re.compile(
    r"\]<\]minimax\[>\[\s{0,4}"
    r"|(?<=<)[|\uff5c]{1,2}DSML[|\uff5c]{1,2}\s?"
    r"|(?<=</)[|\uff5c]{1,2}DSML[|\uff5c]{1,2}\s?"
    r"|(?<=<)(?:longcat_|[\w.-]{1,24}:)(?=invoke|parameter|arg_|function|tool)"
    r"|(?<=</)(?:longcat_|[\w.-]{1,24}:)(?=invoke|parameter|arg_|function|tool)"
)
_KIMI_TAG = re.compile(r"<\|(open|close)\|>([^<|]{1,200})<\|sep\|>")
_CALLED = re.compile(
    r"<(?:invoke|call|function|tool)(?:=|\s{1,4}(?:name|tool)=)"
    r"[\"']?([^\"'<>\s]{1,80})[^<>]{0,80}>"
)
_CALL_END = re.compile(r"</(?:invoke|call|function|tool)>")
_GIVEN = re.compile(
    r"<(?:parameter|argument|arg|param)(?:=|\s{1,4}(?:name|key)=)"
    r"[\"']?([^\"'<>\s]{1,80})([^<>]{0,80})>"
)
_GIVEN_END = re.compile(r"</(?:parameter|argument|arg|param)>")
_TYPED = re.compile(r"string=\"false\"|type=\"(?:number|integer|boolean|object|array|null)\"")
_KEY = re.compile(r"<arg_key>([^<]{1,80})</arg_key>\s*<arg_value>")
_CHILD = re.compile(r"<([\w.-]{1,80})>")
_NAMED = re.compile(r"<(?:name|tool_name)>\s*([\w.-]{1,80})\s*</")
_NAME_FIRST = re.compile(
    r"\s*+(?:functions?\.)?([\w./-]{1,80}?)(?::\d{1,4})?\s*+"
    r"(?:\[CALL_ID\]\s*+[\w-]{1,80}\s*+)?(?:\[ARGS\]|<\|constrain\|>\s*+)?(?:json)?\s*+(?=\{)"
)
_REACT = re.compile(r"Action:[ \t]*`?([\w.-]{1,80})`?\s{1,8}Action[ _]Input:")
_LEADING_MARKS = re.compile(r"\A(?:\s*<[^<>]{1,40}>)+")
_NAME_ONLY = re.compile(r"\s*(?:functions?\.)?([A-Za-z_][\w.-]{0,79})\s*")


def calls_in(marked: str, body: str) -> list[Call]:
    """Return name and arguments of the calls in `body`; `marked` is it with the marks around it."""
    if len(marked) > _MAX:
        return []
    if _BEGIN.search(marked):
        return list(_by_tokens(marked))
    if found := _TO.search(marked):
        return [(found[1].removeprefix("functions."), read_arguments(_after(marked, found.end())))]
    if _GEMMA.search(marked):
        return list(_of_gemma(marked))
    if calls := list(_by_tags(_KIMI_TAG.sub(_as_tag, _TAG_NOISE.sub("", marked)))):
        return calls
    return in_plain_text(_LEADING_MARKS.sub("", body))


def in_plain_text(text: str) -> list[Call]:
    """Return the calls of a text that is nothing but calls: JSON, Python, `name {…}`, ReAct."""
    text = text.strip().strip("`").removeprefix("json").strip()
    if len(text) > _MAX:
        return []
    if text.startswith(("{", "[")) and (calls := list(_by_json(text))):
        return calls
    if found := _NAME_FIRST.match(text):
        return [(found[1], read_arguments(text[found.end() :]))]
    if found := _REACT.match(text):
        return [(found[1], read_arguments(text[found.end() :].partition("\nObservation:")[0]))]
    if calls := list(_by_python(text)):
        return calls
    found = _NAME_ONLY.fullmatch(text)
    return [(found[1], {})] if found else []


def _by_tokens(text: str) -> Iterator[Call]:
    """Kimi's `functions.name:0`, DeepSeek's `function` and a fence, or a bare name."""
    for piece in _BEGIN.split(text)[1:]:
        head, *rest = _SEPARATOR.split(_END.split(piece)[0], maxsplit=1)
        said = rest[0] if rest else ""
        if calls := list(_by_tags(_TAG_NOISE.sub("", said))):  # Step
            yield from calls
            continue
        if head.strip() == "function":
            head, _, said = said.strip().partition("\n")
        if found := _NAME_FIRST.match(f"{head.strip()} {{"):
            yield found[1], read_arguments(said)


def _after(text: str, at: int) -> str:
    begin = text.find("{", at)
    return text[begin:] if begin >= 0 else ""


def _of_gemma(text: str) -> Iterator[Call]:
    for one, said_of_it in _pieces(text, list(_GEMMA.finditer(text))):
        parts = _GEMMA_TEXT.split(said_of_it)
        said = [json.dumps(part) if n % 2 else part for n, part in enumerate(parts)]
        given = lenient_json("".join(said).rpartition("}")[0] + "}")
        yield one[1], read_arguments(given)


def _as_tag(found: re.Match[str]) -> str:
    return f"<{'/' if found[1] == 'close' else ''}{found[2].strip()}>"


def _by_tags(text: str) -> Iterator[Call]:
    called = list(_CALLED.finditer(text))
    for one, said in _pieces(text, called):
        yield one[1], _tagged_arguments(_CALL_END.split(said)[0])
    if called:
        return
    if keys := list(_KEY.finditer(text)):
        name = _CHILD.sub("", text[: keys[0].start()]).strip().rpartition("\n")[2].strip()
        if found := _NAME_ONLY.fullmatch(name.rpartition(">")[2]):
            yield found[1], dict(_pairs(text, keys, "</arg_value>"))
    elif found := _NAMED.search(text):
        yield found[1], read_arguments(_after(text, found.end()))


def _tagged_arguments(text: str) -> dict[str, Any]:
    if given := list(_GIVEN.finditer(text)):
        return dict(_pairs(text, given, _GIVEN_END))
    if "{" in text:
        return read_arguments(_after(text, 0))
    children = list(_CHILD.finditer(text))
    return dict(_pairs(text, children, re.compile("</")))


def _pairs(
    text: str, found: list[re.Match[str]], closes: str | re.Pattern[str]
) -> Iterator[tuple[str, Any]]:
    closer = re.compile(re.escape(closes)) if isinstance(closes, str) else closes
    for one, said in _pieces(text, found):
        value = html.unescape(closer.split(said)[0]).strip()
        typed = one.re is _GIVEN and _TYPED.search(one[2])
        yield one[1].strip(), lenient_json(value) if typed else _value(value)


def _pieces(text: str, found: list[re.Match[str]]) -> Iterator[tuple[re.Match[str], str]]:
    """Each match with what stands between it and the next one."""
    for number, one in enumerate(found, 1):
        end = found[number].start() if number < len(found) else len(text)
        yield one, text[one.end() : end]


def _value(text: str) -> Any:
    """Lists and objects as such; all else is left to the tool, which knows what it wants."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return strict_json(text)
    except ValueError:
        return text


def _by_json(text: str) -> Iterator[Call]:
    for value in _values(text):
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and (call := _of_object(one)):
                yield call


def _values(text: str) -> Iterator[Any]:
    """The values that stand one after the other, the last one mended if it is broken."""
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(64):
        begins = [begin for mark in "{[" if (begin := text.find(mark, at)) >= 0]
        if not begins:
            return
        try:
            value, at = decoder.raw_decode(text, min(begins))
        except (ValueError, RecursionError):
            yield lenient_json(text[min(begins) :])
            return
        yield value


def _of_object(said: dict[str, Any]) -> Call | None:
    inner = said.get("function")
    if isinstance(inner, dict):
        return _of_object(inner)
    name = next((said[key] for key in _NAMES if isinstance(said.get(key), str)), inner)
    given = next((said[key] for key in _ARGUMENTS if key in said), None)
    if isinstance(name, str) and name.strip():
        return name.strip(), read_arguments(given)
    if len(said) == 1 and isinstance(given := next(iter(said.values())), dict):  # Apertus
        return next(iter(said)), read_arguments(given)
    return None


def _by_python(text: str) -> Iterator[Call]:
    if "(" not in text or len(text) > 20_000:
        return
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text.strip())
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in nodes:
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "call":  # Llama: `search.call(…)`
            called = called.value
        name = called.attr if isinstance(called, ast.Attribute) else None
        name = called.id if isinstance(called, ast.Name) else name
        if name and name != "print":
            yield name, {key.arg: _literal(key.value) for key in node.keywords if key.arg}


def _literal(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
        json.dumps(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return ""
    return value
