import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langgraph_fusion.models.markup.tool_formats import ANY_OPENER
from langgraph_fusion.models.tool_markup import (
    _marks,
    _next_opener,
    is_only_a_remark,
    leaked_calls,
    strip_tool_markup,
)
from tests.models.leaked_texts import BARE, M3, MARKED, THOUGHTS

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


CALL = [("search", {"query": "fish"})]


@pytest.mark.parametrize("text", MARKED.values(), ids=MARKED)
def test_a_marked_call_is_read_and_taken_out_of_the_text(text: str) -> None:
    assert leaked_calls(text) == CALL
    assert strip_tool_markup(text) == ""
    assert is_only_a_remark(text)
    around = f"I look it up.\n\n{text}"
    assert leaked_calls(around) == CALL
    assert strip_tool_markup(around) == "I look it up."
    assert is_only_a_remark(around)


@pytest.mark.parametrize("text", MARKED.values(), ids=MARKED)
def test_an_answer_with_a_call_behind_it_is_an_answer(text: str) -> None:
    assert not is_only_a_remark(f"There are 214 fish [A1].\n\n{text}")
    assert not is_only_a_remark(f"{'There are many fish. ' * 40}\n\n{text}")


@pytest.mark.parametrize("text", MARKED.values(), ids=MARKED)
def test_a_call_that_is_quoted_as_code_is_prose(text: str) -> None:
    quoted = f"So it is written:\n\n````\n{text}\n````\n\nDone."
    assert leaked_calls(quoted, {"search"}) == []
    assert strip_tool_markup(quoted, {"search"}) == quoted


@pytest.mark.parametrize("text", BARE.values(), ids=BARE)
def test_a_bare_call_counts_at_the_end_of_a_text_and_if_the_tool_is_known(text: str) -> None:
    for around in (text, f"I look it up.\n\n{text}"):
        assert leaked_calls(around, {"search"}) == CALL
        assert strip_tool_markup(around, {"search"}) == around.removesuffix(text).strip()
        assert leaked_calls(around) == leaked_calls(around, {"other"}) == []
        assert strip_tool_markup(around) == around
    assert leaked_calls(f"{text}\n\nThat is how one calls it.", {"search"}) == []


@pytest.mark.parametrize("thought", THOUGHTS.values(), ids=THOUGHTS)
def test_thinking_is_taken_out(thought: str) -> None:
    answer = "There are 214 fish [A1].\n\n- one `<think>`\n- two"
    assert strip_tool_markup(thought + answer) == answer
    assert leaked_calls(thought + answer) == []


def test_several_calls_are_read_in_order() -> None:
    one = '<tool_call>{"name": "a", "arguments": {}}</tool_call>'
    other = one.replace('"a"', '"b"')
    calls = leaked_calls("\n".join([one, MARKED["kimi"], MARKED["glm"], other]))
    assert [name for name, _ in calls] == ["a", "search", "search", "b"]
    two = '<tool_calls>\n{"name": "a", "arguments": {}}\n{"name": "b"}\n</tool_calls>'
    assert leaked_calls(two) == [("a", {}), ("b", {})]


def test_values_keep_their_type_where_the_format_says_it() -> None:
    text = MARKED["dsml"].replace('string="true">fish', 'string="false">[1, 2]')
    assert leaked_calls(text) == [("search", {"query": [1, 2]})]
    text = '<invoke name="f"><parameter name="a">{"b": 1}</parameter></invoke>'
    assert leaked_calls(text) == [("f", {"a": {"b": 1}})]
    assert leaked_calls("```tool_code\nf(a=[1, 'x'], b=None, c=g())\n```") == [
        ("f", {"a": [1, "x"], "b": None, "c": ""}),
        ("g", {}),
    ]


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


PIECES = sorted(
    {piece for text in (*MARKED.values(), *THOUGHTS.values())
     for piece in re.findall(r"<[^<>]{1,40}>|\[[A-Z_/]+\]|```\w*|[\u25c1][^\u25b7]*[\u25b7]", text)}
    | {"`", "``", "{", "}", "[", "]", "(", "<", '"', "\n", "\n```\n", " ", "functools[{", "to=f ",
       "call:f{", '{"name": "f"', "f(a=", "[A1]", "analysis", "assistantfinal", M3, "é", "\\"}
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
def test_no_text_makes_the_scanner_raise(text: str) -> None:
    calls = leaked_calls(text, {"f"})
    assert all(isinstance(name, str) and isinstance(args, dict) for name, args in calls)
    is_only_a_remark(text)
    bare = strip_tool_markup(text, {"f"})
    assert len(bare) <= len(text)


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_of_any_mark_is_scanned_in_one_pass(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    leaked_calls(text, {"f"})
    strip_tool_markup(text)


_OF_MARKS = [
    *("assistant", "commentary ", "to=", "functions.x ", "<|channel|>", "<|start|>", "functools"),
    *("[{", "<tool_call>", "[TOOL_CALLS]", "```tool_code\n", "]<]minimax[>[ <tool_call>", " "),
    *("\u25c1think\u25b7", "\n", "a", "analysis", "<think>", "[unused11]"),
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(_OF_MARKS), max_size=8).map("".join))
def test_opening_marks_are_found_where_one_search_for_all_of_them_finds_them(text: str) -> None:
    marks, found, end = _marks(text), [], 0
    while opened := _next_opener(text, marks, end):
        found.append(opened.span())
        end = opened.end()
    assert found == [one.span() for one in ANY_OPENER.finditer(text)]
