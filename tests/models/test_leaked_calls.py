import pytest

from langgraph_fusion.models.leaked_calls import leaked_calls

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
