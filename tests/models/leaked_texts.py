"""The same call, `search(query="fish")`, as models write it into their text, by format.

Written after the parsers of vLLM and sglang and the chat templates of the models.
"""

BAR, GAP = "\uff5c", "\u2581"
M3 = "]<]minimax[>["


def _deepseek(inner: str) -> str:
    begin, end = (f"<{BAR}tool{GAP}calls{GAP}{what}{BAR}>" for what in ("begin", "end"))
    one, done = (f"<{BAR}tool{GAP}call{GAP}{what}{BAR}>" for what in ("begin", "end"))
    return f"{begin}{one}{inner}{done}{end}"


def _dsml(tag: str, bar: str = BAR, gap: str = "") -> str:
    mark = f"{bar}DSML{bar}{gap}"
    return (
        f'<{mark}{tag}>\n<{mark}invoke name="search">\n<{mark}parameter name="query" string="true">'
        f"fish</{mark}parameter>\n</{mark}invoke>\n</{mark}{tag}>"
    )


_SEP = f"<{BAR}tool{GAP}sep{BAR}>"
_ARGS = '{"query": "fish"}'
_CALL = '{"name": "search", "arguments": {"query": "fish"}}'
_PARAMETER = '<parameter name="query">fish</parameter>'

MARKED = {
    "hermes": f"<tool_call>\n{_CALL}\n</tool_call>",
    "hermes, encoded": '<tool_call>{"name": "search", "arguments": "{\\"query\\": \\"fish\\"}"}'
    "</tool_call>",
    "hermes, in a list": f"<tool_calls>[{_CALL}]</tool_calls>",
    "hermes, nested": f"<tool_calls>\n<tool_call>{_CALL}</tool_call>\n</tool_calls>",
    "openai's object": '<tool_call>{"type": "function", "function": {"name": "search", '
    '"arguments": "{\\"query\\": \\"fish\\"}"}}</tool_call>',
    "qwen coder": "<tool_call>\n<function=search>\n<parameter=query>\nfish\n</parameter>\n"
    "</function>\n</tool_call>",
    "seed": "<seed:tool_call>\n<function=search>\n<parameter=query>fish</parameter>\n</function>\n"
    "</seed:tool_call>",
    "glm": "<tool_call>search\n<arg_key>query</arg_key>\n<arg_value>fish</arg_value>\n</tool_call>",
    "glm, in a line": "<tool_call>search<arg_key>query</arg_key><arg_value>fish</arg_value>"
    "</tool_call>",
    "longcat": "<longcat_tool_call>search\n<longcat_arg_key>query</longcat_arg_key>\n"
    "<longcat_arg_value>fish</longcat_arg_value>\n</longcat_tool_call>",
    "longcat, json": f"<longcat_tool_call>{_CALL}</longcat_tool_call>",
    "minimax m2": f'<minimax:tool_call>\n<invoke name="search">\n{_PARAMETER}\n</invoke>\n'
    "</minimax:tool_call>",
    "minimax m3": f'{M3}<tool_call>\n{M3}<invoke name="search">\n{M3}<query>fish{M3}</query>\n'
    f"{M3}</invoke>\n{M3}</tool_call>",
    "anthropic": f'<function_calls>\n<invoke name="search">\n{_PARAMETER}\n</invoke>\n'
    "</function_calls>",
    "invoke": f'<invoke name="search">{_PARAMETER}</invoke>',
    "step": '<steptml:invoke name="search"><steptml:parameter name="query">fish'
    "</steptml:parameter></steptml:invoke>",
    "dsml": _dsml("function_calls"),
    "dsml, v4": _dsml("tool_calls"),
    "dsml, double": _dsml("calls", BAR * 2, " "),
    "dsml, json": _dsml("tool_calls").replace(
        f'<{BAR}DSML{BAR}parameter name="query" string="true">fish</{BAR}DSML{BAR}parameter>', _ARGS
    ),
    "deepseek v3": _deepseek(f"function{_SEP}search\n```json\n{_ARGS}\n```"),
    "deepseek v3.1": _deepseek(f"search{_SEP}{_ARGS}"),
    "deepseek, ascii": "<|tool_calls_begin|><|tool_call_begin|>search<|tool_sep|>"
    f"{_ARGS}<|tool_call_end|><|tool_calls_end|>",
    "step 3": _deepseek(
        f'function{_SEP}<steptml:invoke name="search"><steptml:parameter name="query">fish'
        "</steptml:parameter></steptml:invoke>"
    ),
    "kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.search:0"
    f"<|tool_call_argument_begin|>{_ARGS}<|tool_call_end|><|tool_calls_section_end|>",
    "kimi, no section": "<|tool_call_begin|>functions.search:12<|tool_call_argument_begin|>"
    f"{_ARGS}<|tool_call_end|>",
    "kimi k3": '<|open|>tools<|sep|><|open|>call tool="search" index="1"<|sep|><|open|>argument '
    'key="query" type="string"<|sep|>fish<|close|>argument<|sep|><|close|>call<|sep|>'
    "<|close|>tools<|sep|>",
    "kimi k3, json": '<|open|>tools<|sep|><|open|>call tool="search" index="1"<|sep|><|open|>json '
    f'type="object"<|sep|>{_ARGS}<|close|>json<|sep|><|close|>call<|sep|><|close|>tools<|sep|>',
    "harmony": "<|channel|>commentary to=functions.search <|constrain|>json<|message|>"
    f"{_ARGS}<|call|>",
    "harmony, addressee first": "<|start|>assistant to=functions.search<|channel|>commentary json"
    f"<|message|>{_ARGS}<|call|>",
    "harmony, after thinking": "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
    f"<|channel|>commentary to=functions.search<|message|>{_ARGS}<|call|>",
    "tool_code": '```tool_code\nprint(default_api.search(query="fish"))\n```',
    "tool_code, bare": "```tool_code\nsearch(query='fish')\n```",
    "tool_call fence": f"```tool_call\n{_CALL}\n```",
    "functiongemma": "<start_function_call>call:search{query:<escape>fish<escape>}"
    "<end_function_call>",
    "gemma 4": '<|tool_call>call:search{query:<|"|>fish<|"|>}<tool_call|>',
    "llama": '<|python_tag|>{"name": "search", "parameters": {"query": "fish"}}<|eom_id|>',
    "llama, built in": '<|python_tag|>search.call(query="fish")',
    "llama 4": '<|python_start|>[search(query="fish")]<|python_end|>',
    "llama, function": f"<function=search>{_ARGS}</function>",
    "mistral": f"[TOOL_CALLS] [{_CALL}]",
    "mistral, arguments": f"[TOOL_CALLS]search[ARGS]{_ARGS}",
    "mistral, id": f"[TOOL_CALLS]search[CALL_ID]abc123def[ARGS]{_ARGS}",
    "mistral, tight": f"[TOOL_CALLS]search{_ARGS}",
    "granite": f"<|tool_call|>[{_CALL}]",
    "granite 20b": f"<function_call> {_CALL} </function_call>",
    "phi 4 mini": f"functools[{_CALL}]",
    "lfm2": '<|tool_call_start|>[search(query="fish")]<|tool_call_end|>',
    "olmo": '<function_calls>\nsearch(query="fish")\n</function_calls>',
    "internlm": '<|action_start|><|plugin|>{"name": "search", "parameters": {"query": "fish"}}'
    "<|action_end|>",
    "nemotron": f"<TOOLCALL>[{_CALL}]</TOOLCALL>",
    "cohere": '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "search", "parameters": '
    '{"query": "fish"}}]<|END_ACTION|>',
    "apertus": '<|tools_prefix|>[{"search": {"query": "fish"}}]<|tools_suffix|>',
    "pangu": f"[unused11][{_CALL}][unused12]",
    "tool_use": f"<tool_use>\n<name>search</name>\n<arguments>{_ARGS}</arguments>\n</tool_use>",
}

BARE = {
    "llama json": '{"name": "search", "parameters": {"query": "fish"}}',
    "list": f"[{_CALL}]",
    "pythonic": '[search(query="fish")]',
    "json fence": f"```json\n{_CALL}\n```",
    "python fence": '```python\nprint(default_api.search(query="fish"))\n```',
    "python": 'search(query="fish")',
    "mistral without its token": f"search[ARGS]{_ARGS}",
    "react": f"Action: search\nAction Input: {_ARGS}",
}

THOUGHTS = {
    "tag": "<think>\nSecret.\n</think>\n\n",
    "tag in a line": "<think>Secret.</think> ",
    "other tags": "<thinking>\nSecret.\n</thinking>\n",
    "thought": "<thought>\nSecret.\n</thought>\n\n",
    "no beginning": "Secret.\n</think>\n\n",
    "no beginning, in a line": "Secret.</think>\n\n",
    "seed": "<seed:think>Secret.</seed:think>",
    "seed, no beginning": "Secret.</seed:think>",
    "tag in capitals": "<THINK>Secret.</THINK>\n",
    "tag with an attribute": '<think type="hidden">\nSecret.\n</think>\n',
    "kimi-vl": "\u25c1think\u25b7Secret.\u25c1/think\u25b7",
    "kimi-vl, no beginning": "Secret.\u25c1/think\u25b7",
    "kimi k3": "<|open|>think<|sep|>Secret.<|close|>think<|sep|><|open|>response<|sep|>",
    "magistral": "[THINK]Secret.[/THINK]",
    "cohere": "<|START_THINKING|>Secret.<|END_THINKING|><|START_RESPONSE|>",
    "gemma 3": "<unused94>thought\nSecret.<unused95>",
    "gemma 4": "<|channel>thought\nSecret.<channel|>",
    "openthinker": "<|begin_of_thought|>\nSecret.\n<|end_of_thought|>\n\n<|begin_of_solution|>\n",
    "longcat": "<longcat_think>\nSecret.\n</longcat_think>\n",
    "ernie": "<think>\nSecret.\n</think>\n\n<response>\n",
    "reflection": "<thinking>\nSecret.\n</thinking>\n<output>\n",
    "gpt-oss": "<|channel|>analysis<|message|>Secret.<|end|><|start|>assistant<|channel|>final"
    "<|message|>",
    "gpt-oss without tokens": "analysisSecret.assistantfinal",
}
