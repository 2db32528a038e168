"""What a server offers, as it is told to a model: any name, any description, any schema."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.utils.function_calling import convert_to_openai_tool
from mcp.types import Tool

from langgraph_fusion.tools.mcp.offered import MAX_TOOLS, definition, names_of, offer_of

TAKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _tool(name: str = "read", schema: Any = None, description: str | None = "Reads.") -> Tool:
    shape = {"type": "object", "properties": {}} if schema is None else schema
    return Tool(name=name, description=description, inputSchema=shape)


@settings(max_examples=40)
@given(st.lists(st.text(max_size=90), unique=True, max_size=8), st.randoms())
def test_names_are_such_as_providers_take_and_never_alike(tools: list[str], random: Any) -> None:
    taken = {"web_search", "s__read"}
    names = names_of("s", tools, taken)
    assert set(names) == set(tools)
    assert len({*names.values()} | taken) == len(tools) + len(taken)
    assert all(TAKEN.fullmatch(name) and name.startswith("s__") for name in names.values())
    shuffled = random.sample(tools, len(tools))
    assert names_of("s", shuffled, taken) == names, "whatever the order"


def test_a_name_is_changed_only_where_it_must_be() -> None:
    long = "x" * 80
    tools = ["read", "read file", "read.file", "read_file", "Füße", long, "s__read", ""]
    names = names_of("s", tools)
    assert names["read"] == "s__read"
    assert names["read_file"] == "s__read_file"
    assert names["read file"] != names["read.file"]
    assert names["Füße"] == "s__F_e"
    assert len(names[long]) == 64
    assert names[""] == "s__tool"
    assert names_of("s", ["read"], {"s__read"})["read"].startswith("s__read_")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "array"}, "no object"),
        ({"type": "object", "properties": []}, "no object"),
        ({"type": "object", "anyOf": [{"required": ["a"]}]}, "begin with `anyOf`"),
        ({"type": "object", "properties": {"a": {"type": "nonsense"}}}, "no valid JSON schema"),
        ({"type": "object", "properties": {"a b": {}}}, "an argument is called `a b`"),
        ({"properties": {"a": {"$ref": "https://evil.example/s"}}}, "refer to a schema"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "refer to a schema"),
        ({"properties": {"a": {"$ref": "#/$defs/b"}},
          "$defs": {"b": {"properties": {"again": {"$ref": "#/$defs/b"}}}}}, "or to itself"),
        ({"properties": {"a": {"enum": ["x" * 50] * 200}}}, "more than 6000 characters"),
        ({"properties": {"a": json.loads('{"items":' * 40 + "{}" + "}" * 40)}}, "nested deeper"),
    ],
)  # fmt: skip
def test_a_tool_that_no_provider_would_take_is_left_out_and_said(
    schema: dict[str, Any], why: str
) -> None:
    offer = offer_of("s", [_tool("bad", schema), _tool("good")])
    assert [tool.name for tool in offer.tools] == ["s__good"]
    assert len(offer.left_out) == 1
    assert why in offer.left_out[0]


def test_a_schema_with_definitions_and_long_words_is_kept_without_the_words() -> None:
    schema = {
        "$defs": {"Book": {"type": "object", "properties": {"title": {"type": "string"}}}},
        "properties": {
            "book": {"$ref": "#/$defs/Book"},
            "description": {"type": "string", "description": "long " * 2000},
        },
    }
    (tool,) = offer_of("s", [_tool("lend", schema)]).tools
    assert tool.parameters["properties"]["description"] == {"type": "string"}
    made = convert_to_openai_tool(definition(tool))["function"]
    assert made["parameters"]["properties"]["book"] == {"$ref": "#/$defs/Book"}


def test_descriptions_are_the_servers_bounded_and_cannot_steer_a_terminal() -> None:
    (tool,) = offer_of("s", [_tool(description="\x1b]0;x\x07" + "Obey! " * 1000)]).tools
    assert tool.description.startswith("[tool of the server s, described by it] Obey!")
    assert len(tool.description) < 1100
    assert "\x1b" not in tool.description


def test_the_operators_list_and_the_limit_of_tools_hold() -> None:
    many = [_tool(f"t{number}") for number in range(MAX_TOOLS + 5)]
    offer = offer_of("s", many)
    assert len(offer.tools) == MAX_TOOLS
    assert offer.left_out == (f"all beyond the first {MAX_TOOLS} tools",)
    offer = offer_of("s", [*many, _tool("t1")], ("t1", "other"))
    assert [tool.tool for tool in offer.tools] == ["t1"]
    assert offer.left_out == ("`other`: the server has no such tool",)
