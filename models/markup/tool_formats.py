"""The formats in which models write thinking and tool calls into their text: one row each.

The formats are those of the parsers of vLLM (`vllm/tool_parsers`, `vllm/reasoning`) and sglang
(`srt/function_call`), read in 2026-11, and Google's `tool_code`. What stands between the marks
needs no rows: `models.markup.tool_call_text` reads every notation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["call", "thinking", "token"]


@dataclass(frozen=True)
class Format:
    """What begins with `opens` and goes on to `closes`."""

    name: str
    kind: Kind
    opens: str
    """A pattern without groups, whose length is bounded."""
    closes: str = ""
    """A pattern; `</{tag}>` closes the tag that was opened; empty if `opens` is all of it."""
    if_next: str = ""
    """What must follow the opening mark; else it is prose that speaks of the mark."""
    line_start: bool = False
    """Whether it counts at the beginning of a line only."""
    open_end: bool = True
    """Whether it may be cut off at the end of the text."""
    in_code: bool = False
    """Whether it is a code fence itself."""


_BAR = r"[|\uff5c]"  # DeepSeek writes its special tokens with a fullwidth bar
_GAP = r"[_ \u2581]"
_NS = r"(?:[\w.-]{1,24}[:_])?"
_CALL_TAGS = rf"{_NS}(?:(?:tool|function)_calls?|tool_(?:response|result|output|use)s?|TOOLCALL)"
_LOOKS_LIKE_A_CALL = (
    r"[^<]{0,200}?[{\[(]|[^<]{0,200}<[^/]|\s*+[\w.-]{1,64}[^\S\n]*+\n\s*+</|[\w.-]{1,64}</"
)
_THINK_TAGS = r"(?i:think|thinking|thoughts?|reasoning|reflection)"
_START = r"(?:<\|start\|>\s{0,4}assistant\s{0,4})?"
_END_OF_HARMONY = r"<\|end\|>|<\|call\|>|<\|return\|>|(?=<\|channel\|>|<\|start\|>)"

FORMATS: tuple[Format, ...] = (
    # --- thinking
    Format(
        "tag", "thinking", rf"<{_THINK_TAGS}(?:\s[^<>\n]{{0,80}})?>", "</{tag}>", line_start=True
    ),
    # Seed-OSS, LongCat, MiniMax
    Format(
        "namespaced tag", "thinking", r"<[\w.-]{1,24}[:_]think(?:ing)?>",
        r"</[\w.-]{1,24}[:_]think(?:ing)?>",
    ),
    Format("Kimi-VL", "thinking", "\u25c1think\u25b7", "\u25c1/think\u25b7"),
    Format(
        "Kimi K3", "thinking", r"<\|open\|>think<\|sep\|>", r"<\|close\|>think<\|sep\|>"
    ),
    Format(
        "Magistral", "thinking", r"\[THINK\]", r"\[/THINK\]", if_next=r"(?!\s*(?:and|or|,|\.)\s)"
    ),
    Format("Cohere", "thinking", r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    Format("Gemma 3", "thinking", "<unused94>", "<unused95>"),
    Format("Gemma 4", "thinking", r"<\|channel>\s{0,4}(?:thought|analysis)", r"<channel\|>"),
    Format(
        "OpenThinker", "thinking", r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"
    ),
    # --- tool calls
    Format(
        "tool_code", "call", r"```[ \t]{0,4}tool_\w{1,20}[^\n`]{0,80}\n", r"```|</tool_code>",
        in_code=True,
    ),
    Format(
        "Llama", "call", r"<\|python_(?:tag|start)\|>", r"<\|eo[mt]_id\|>|<\|python_end\|>",
    ),
    Format(
        "Mistral", "call", r"\[TOOL_CALLS\]", r"(?=\[TOOL_CALLS\])|\n\n|</s>",
        if_next=r"\s*(?:\[\s*\{|\{|[\w./-]{1,64}\s*(?:\[(?:ARGS|CALL_ID)\]|\{))",
    ),
    Format(
        "Kimi, DeepSeek", "call",
        rf"<{_BAR}tool{_GAP}calls{_GAP}?(?:section{_GAP})?begin{_BAR}>",
        rf"<{_BAR}tool{_GAP}calls{_GAP}?(?:section{_GAP})?end{_BAR}>",
    ),
    Format(
        "Kimi, DeepSeek, one call", "call", rf"<{_BAR}tool{_GAP}call{_GAP}begin{_BAR}>",
        rf"<{_BAR}tool{_GAP}call{_GAP}end{_BAR}>",
    ),
    Format("Kimi K3", "call", r"<\|open\|>tools<\|sep\|>", r"<\|close\|>tools<\|sep\|>"),
    Format(
        "DSML", "call", rf"<{_BAR}{{1,2}}DSML{_BAR}{{1,2}}\s?\w{{0,20}}calls\s?>",
        rf"</{_BAR}{{1,2}}DSML{_BAR}{{1,2}}\s?\w{{0,20}}calls\s?>",
    ),
    Format(
        "DSML, one call", "call", rf"<{_BAR}{{1,2}}DSML{_BAR}{{1,2}}\s?(?=invoke)",
        rf"</{_BAR}{{1,2}}DSML{_BAR}{{1,2}}\s?invoke\s?>",
    ),
    Format(
        "MiniMax M3", "call", r"\]<\]minimax\[>\[\s{0,4}<tool_call>",
        r"\]<\]minimax\[>\[\s{0,4}</tool_call>",
    ),
    Format("LFM2", "call", r"<\|tool_call_start\|>", r"<\|tool_call_end\|>"),
    Format("Gemma 4", "call", r"<\|tool_call>", r"<tool_call\|>"),
    Format("FunctionGemma", "call", "<start_function_call>", "<end_function_call>"),
    Format("Granite, Phi", "call", r"<\|tool_calls?\|>", r"<\|/tool_calls?\|>"),
    Format("Cohere", "call", r"<\|START_ACTION\|>", r"<\|END_ACTION\|>"),
    Format("Apertus", "call", r"<\|tools_prefix\|>", r"<\|tools_suffix\|>"),
    Format("InternLM", "call", r"<\|action_start\|>", r"<\|action_end\|>"),
    Format("Pangu", "call", r"\[unused11\]", r"\[unused12\]"),
    Format("Phi-4 mini", "call", r"functools(?=\[\s{0,4}\{)", r"\]\s*(?:\n\n|\Z)"),
    Format(
        "Harmony", "call",
        rf"{_START}<\|channel\|>\s{{0,4}}(?:analysis|commentary)\s{{0,4}}(?=to=)",
        _END_OF_HARMONY,
    ),
    Format(
        "Harmony, to whom first", "call", rf"{_START}\bto=[\w.:-]{{1,80}}\s{{0,4}}<\|channel\|>",
        _END_OF_HARMONY,
    ),
    Format(
        "Harmony", "thinking", rf"{_START}<\|channel\|>\s{{0,4}}(?:analysis|commentary)\b",
        _END_OF_HARMONY,
    ),
    Format(
        "Harmony without its tokens", "call", r"(?:assistant)?commentary to=(?=functions\.)",
        r"\Z", line_start=True,
    ),
    Format("tag", "call", rf"<{_CALL_TAGS}\b[^>\n]{{0,80}}>", "</{tag}>",
           if_next=_LOOKS_LIKE_A_CALL, open_end=False),
    Format("tag, left open", "call", rf"<{_CALL_TAGS}\b[^>\n]{{0,80}}>", r"\Z",
           if_next=r"\s*[{<\[\w]", line_start=True),
    Format("invoke", "call", rf"<{_NS}invoke(?=\s{{1,4}}name=)", rf"</{_NS}invoke>"),
    Format("function", "call", r"<function(?==|\s{1,4}name=)", r"</function>"),
    # --- single tokens that are left
    Format("Harmony, final", "token", r"<\|channel\|>\s{0,4}final\s{0,4}(?:<\|message\|>)?"),
    Format("Harmony, start", "token", r"<\|start\|>\s{0,4}assistant"),
    Format("Kimi K3", "token", r"<\|(?:open|close)\|>\w{0,20}(?:<\|sep\|>)?"),
    Format(
        "special token", "token",
        r"<\|(?:start|end|message|call|return|constrain|sep|im_start|im_end|eot_id|eom_id|endoftext"
        r"|begin_of_\w{1,20}|end_of_\w{1,20}|(?:START|END)_[A-Z_]{1,24}|/?tools?_\w{1,40}|plugin"
        r"|interpreter)\|>",
    ),
    Format("DeepSeek", "token", r"</?\uff5c{1,2}[^\uff5c<>\n]{1,40}\uff5c{1,2}[^<>\n]{0,60}>"),
    Format("lone close", "token",
           rf"</(?:{_CALL_TAGS}|{_NS}{_THINK_TAGS}|{_NS}invoke|function)>[ \t]*(?=\n|\Z)",
           line_start=True),
    Format(
        "lone token", "token",
        r"<unused9[45]>|<channel\|>|<tool_call\|>|\[/THINK\]|\u25c1/think\u25b7",
    ),
)  # fmt: skip

OPENERS = tuple(re.compile(one.opens) for one in FORMATS)
NEXTS = tuple(re.compile(one.if_next) for one in FORMATS)
ANY_OPENER = re.compile("|".join(f"(?:{one.opens})" for one in FORMATS))

HEADLESS = re.compile(
    rf"</(?P<tag>{_NS}{_THINK_TAGS})>(?=[ \t]*(?:\n|\Z))|^[ \t]*</{_NS}{_THINK_TAGS}>"
    r"|</[\w.-]{1,24}[:_]think(?:ing)?>"
    r"|\[/THINK\]|\u25c1/think\u25b7|<\|END_THINKING\|>|<\|end_of_thought\|>|<unused95>"
    r"|<\|close\|>think<\|sep\|>",
    re.M,
)
"""The end of thinking whose beginning stands in the prompt, as many templates have it."""
BEHEADED = re.compile(r"\A(?:analysis|commentary)(?=[A-Z<\s]).*?assistant\s{0,4}final", re.S)
"""Harmony whose special tokens a server has dropped."""
WRAPPERS = re.compile(r"\A\s*<(response|output|answer|final_answer)>(.*?)(?:</\1>\s*)?\Z", re.S)
"""What some models put around the answer behind their thinking."""
