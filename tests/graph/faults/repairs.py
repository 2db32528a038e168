"""Faults of members that are mended, so that the member answers all the same."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.graph.faults.table import said
from tests.scripted import Reply, Seen, text, tool_calls

ANSWER = text("Alpha says 42.")
LOOK = tool_calls([("docs_search", {"query": "fusion"})])
BROKEN = "<tool_call>\ndocs_search with fish\n</tool_call>"
MARKUP = '<tool_call>{"name": "docs_search", "arguments": {"query": "x"}}</tool_call>'


@dataclass(frozen=True)
class Repair:
    """What the member's model does; the number is that of its request since the fault is there."""

    name: str
    script: Callable[[Seen, int], Reply]
    failed_calls: tuple[str, ...] = ()
    """Reasons of the model calls that failed on the way."""
    tool_errors: int = 0
    cut_short: str | None = None
    without_tools: bool = False
    degraded: tuple[str, ...] = ()
    max_tool_calls: int = 16


def calls_once(name: str, arguments: str) -> Callable[[Seen, int], Reply]:
    return lambda seen, number: ANSWER if number else tool_calls([(name, arguments)])


def loops(seen: Seen, number: int) -> Reply:
    return LOOK if seen.tool_names else ANSWER


def loops_to_the_end(seen: Seen, number: int) -> Reply:
    return LOOK if seen.tool_names or seen.tool_results else ANSWER


def takes_no_tools(seen: Seen, number: int) -> Reply:
    if seen.tool_names:
        return said("No endpoints found that support tool use", 404)
    return ANSWER


def takes_no_choice(seen: Seen, number: int) -> Reply:
    if seen.body.get("tool_choice") == "none":
        return said("No endpoints found that support the provided 'tool_choice' value", 404)
    return LOOK if seen.tool_names else ANSWER


def insists_on_tools(seen: Seen, number: int) -> Reply:
    if seen.tool_results and "tools" not in seen.body:
        return said("The toolConfig field must be defined when using toolUse", 400)
    return takes_no_choice(seen, number)


def leaks_to_the_end(seen: Seen, number: int) -> Reply:
    return text(f"Hm.\n{MARKUP}") if seen.tool_names or seen.tool_results else ANSWER


def takes_no_calls_back(seen: Seen, number: int) -> Reply:
    if seen.tool_results:
        return said("Function call is missing a thought_signature", 400)
    return ANSWER if "I looked it up" in seen.text else LOOK


REPAIRS = (
    Repair("malformed arguments", calls_once("docs_search", '{"query": "fusion')),
    Repair(
        "arguments encoded twice", calls_once("docs_search", '"{\\"query\\": \\"fusion\\"}"')
    ),
    Repair("invented tool", calls_once("browse", '{"url": "x"}'), tool_errors=1),
    Repair("invented arguments", calls_once("docs_search", '{"words": "x"}'), tool_errors=1),
    Repair("misspelt tool", calls_once("functions.DocsSearch<|channel|>json", '{"query": "fish"}')),
    Repair("call written into the text", lambda seen, n: ANSWER if n else text(f"Hm.\n{MARKUP}")),
    Repair(
        "calls in the text of the last turn", leaks_to_the_end, ("empty",),
        cut_short="tool_budget", max_tool_calls=2,
    ),
    Repair("transcript refused", takes_no_calls_back, ("upstream_error",)),
    Repair("unreadable markup in the text", lambda seen, n: text(f"Alpha says 42.\n{BROKEN}")),
    Repair("endless loop", loops, tool_errors=3, cut_short="tool_loop"),
    Repair(
        "tool calls in the last turn", loops_to_the_end, ("empty",),
        cut_short="tool_budget", max_tool_calls=2,
    ),
    Repair(
        "model without tools", takes_no_tools, ("tools_unsupported",),
        without_tools=True, degraded=("tools_unsupported",),
    ),
    Repair(
        "provider without tool_choice", takes_no_choice, ("tool_choice_unsupported",),
        cut_short="tool_budget", max_tool_calls=2,
    ),
    Repair(
        "provider that also insists on tools", insists_on_tools,
        ("tool_choice_unsupported", "tools_required"), cut_short="tool_budget", max_tool_calls=2,
    ),
)  # fmt: skip
