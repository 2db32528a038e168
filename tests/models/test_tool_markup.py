from pathlib import Path

import pytest

from langgraph_fusion.models.tool_markup import leaked_calls, strip_tool_markup

BAR, GAP = "\uff5c", "\u2581"


@pytest.mark.parametrize(
    "leak",
    [
        '<tool_call>\n{"name": "bash", "arguments": {"command": "ls"}}\n</tool_call>',
        "<tool_call>bash\n<arg_key>command</arg_key>\n<arg_value>ls</arg_value>\n</tool_call>",
        '<tool_calls>[{"name": "bash"}]</tool_calls>',
        '<function_calls>\n<invoke name="bash">\n<parameter name="command">ls</parameter>\n'
        "</invoke>\n</function_calls>",
        '<invoke name="web_search"><parameter name="query">x</parameter></invoke>',
        '<minimax:tool_call><invoke name="bash">ls</invoke></minimax:tool_call>',
        "<function=bash>\n<parameter=command>\nls\n</parameter>\n</function>",
        '<tool_call>\n<function=bash>{"command": "ls"}</function>\n</tool_call>',
        '<|tool_calls_section_begin|><|tool_call_begin|>functions.bash:0{"a":1}'
        "<|tool_call_end|><|tool_calls_section_end|>",
        f"<{BAR}tool{GAP}calls{GAP}begin{BAR}><{BAR}tool{GAP}call{GAP}begin{BAR}>function"
        f"<{BAR}tool{GAP}sep{BAR}>bash\n```json\n{{}}\n```<{BAR}tool{GAP}call{GAP}end{BAR}>"
        f"<{BAR}tool{GAP}calls{GAP}end{BAR}>",
        f'<{BAR}DSML{BAR}function_calls>\n<{BAR}DSML{BAR}invoke name="bash">\n'
        f"</{BAR}DSML{BAR}invoke>\n</{BAR}DSML{BAR}function_calls>",
        f"<{BAR}end{GAP}of{GAP}sentence{BAR}>",
        '[TOOL_CALLS] [{"name": "bash", "arguments": {}}]',
        '[TOOL_CALLS]bash{"command": "ls"}',
        '```tool_code\nprint(web_search(query="x"))\n```',
        "<|channel|>commentary to=functions.bash <|message|>{}<|call|>",
        '<|python_tag|>{"name": "bash"}<|eom_id|>',
        "<think>\nLet me see.\n\nHm.\n</think>",
        '<tool_call>{"command": "cat <<E\n```\nE"}</tool_call>',
    ],
)
def test_a_leaked_call_is_removed_and_the_text_around_it_kept(leak: str) -> None:
    assert strip_tool_markup(f"Before.\n\n{leak}\n\nAfter.") == "Before.\n\nAfter."
    assert strip_tool_markup(leak) == ""


@pytest.mark.parametrize(
    "open_end",
    [
        '<tool_call>\n{"name": "bash", "argum',
        '<invoke name="bash"><parameter name="command">l',
        "<|tool_calls_begin|><|tool_call_begin|>bash",
        "<function=bash><parameter=comm",
        "```tool_code\nprint(",
        "<think>\nLet me see",
    ],
)
def test_a_call_that_was_cut_off_is_removed(open_end: str) -> None:
    assert strip_tool_markup(f"Before.\n{open_end}") == "Before."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain prose [A1].\n\n\n\nWith gaps.  ",
        "Qwen writes `<tool_call>{}</tool_call>` around a call.",
        "Example:\n```xml\n<tool_call>\n{}\n</tool_call>\n```\nDone.",
        "~~~\n<think>\nx\n</think>\n~~~\nDone.",
        "Put it between <tool_call> and </tool_call> tags, or <think> and </think>.",
        "The <invoke> element of Ant, and `<function=…>`.",
        "```python\nif a < b > c:\n    print('<function_calls>')\n```",
        "a <| b and x |> f, 3 < 4, <b>bold</b>, List<String>",
        "[TOOL_CALLS] is a control token of Mistral.",
        "Unclosed fence:\n```\n<tool_call>{}\n",
    ],
)
def test_text_that_only_speaks_of_markup_is_unchanged(text: str) -> None:
    assert strip_tool_markup(text) == text


def test_thinking_whose_beginning_is_missing_is_removed() -> None:
    assert strip_tool_markup("So the user wants\nx.\n</think>\n\nThe answer.") == "The answer."


def test_the_final_channel_is_kept() -> None:
    text = (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes."
    )
    assert strip_tool_markup(text) == "Yes."


def test_a_long_report_is_unchanged() -> None:
    report = ("A sentence with `code`, a < sign and [A1].\n\n" * 5 + "```py\nx = 1\n```\n") * 500
    assert strip_tool_markup(report) == report
    strip_tool_markup("<tool_call> <think> ``` ` [TOOL_CALLS] " * 2000)


def test_readme_of_this_project_is_unchanged() -> None:
    text = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    assert strip_tool_markup(text) == text


CALL = [("web_search", {"query": "fish"})]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "web_search", "arguments": {"query": "fish"}}</tool_call>',
        'Let me look.\n<tool_call>\n{"name": "web_search", "arguments": {"query": "fish"}}',
        '<tool_call>{"name": "web_search", "arguments": "{\\"query\\": \\"fish\\"}"}</tool_call>',
        '```tool_call\n{"name": "web_search", "arguments": {"query": "fish"}}\n```',
        '<|python_tag|>{"name": "web_search", "parameters": {"query": "fish"}}<|eom_id|>',
        '[TOOL_CALLS] [{"name": "web_search", "arguments": {"query": "fish"}}]',
        '<function=web_search>{"query": "fish"}</function>',
        "<function=web_search>\n<parameter=query>\nfish\n</parameter>\n</function>",
        '<invoke name="web_search"><parameter name="query">fish</parameter></invoke>',
    ],
    ids=["hermes", "left open", "encoded", "fence", "llama", "mistral", "function", "qwen", "xml"],
)
def test_a_call_in_the_text_is_read(text: str) -> None:
    assert leaked_calls(text) == CALL


def test_several_calls_are_read() -> None:
    one = '<tool_call>{"name": "a", "arguments": {}}</tool_call>'
    assert [name for name, _ in leaked_calls(one + "\n" + one.replace('"a"', '"b"'))] == ["a", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 42.",
        "Write `<tool_call>` before a call.",
        "<tool_call>no JSON</tool_call>",
        "```python\nprint(1)\n```",
        '```xml\n<tool_call>{"name": "a", "arguments": {}}</tool_call>\n```',
        '`<tool_call>{"name": "a", "arguments": {}}</tool_call>`',
        '<think>\n<tool_call>{"name": "a", "arguments": {}}</tool_call>\n</think>\nWell.',
        '<tool_call>["web_search"]</tool_call>',
    ],
)
def test_prose_is_no_call(text: str) -> None:
    assert leaked_calls(text) == []
