"""Nodes whose work another run has done are not run again."""

import re
from typing import Any

from langgraph_fusion.graph.build import create_fusion
from tests.graph.cast import (
    JUDGE,
    PANEL,
    WRITER,
    A,
    B,
    C,
    Part,
    asked_again,
    cast,
    disputed,
    settings,
)
from tests.graph.cast import judge as judging
from tests.graph.conftest import Serve
from tests.scripted import Reply, Seen, text


async def updates_of(question: str, **given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the members returned in their first round, and the result."""
    graph = create_fusion(settings(), **given)
    asked = {"messages": [{"role": "user", "content": question}]}
    found: dict[str, Any] = {}
    result: dict[str, Any] = {}
    async for update in graph.astream(asked, stream_mode="updates"):
        for node, value in update.items():
            if node.startswith("member_") and not value["answers"][0]["round"]:
                found[f"{node[-1]}.0"] = value
            result = (value or {}).get("fusion", result)
    return found, result


async def test_given_answers_are_judged_and_written_from_and_cost_nothing_again(
    serve: Serve,
) -> None:
    server = await serve(cast())
    members, first = await updates_of("What is it?")
    again, second = await updates_of("What is it?", given=members)
    assert [len(server.seen_by(name)) for name in (*PANEL, JUDGE, WRITER)] == [1, 1, 1, 2, 2]
    assert again == members
    assert second["answers"] == first["answers"]
    assert second["bill"]["total"]["calls"] == first["bill"]["total"]["calls"]
    writer = [seen.text for seen in server.seen_by(WRITER)]
    assert writer[0] == writer[1]


async def test_a_given_member_can_be_asked_a_follow_up(serve: Serve) -> None:
    def answered(seen: Seen) -> Reply:
        assert re.search("<your_earlier_answer>\\s*Alpha says 42", seen.text)
        return text("Still 42.")

    parts: dict[str, Reply | Part] = {
        A: asked_again(text("Alpha says 42."), answered),
        B: asked_again(text("Beta says 17."), text("I was wrong: 42.")),
        C: text("Gamma says 42."),
        JUDGE: judging(disputed(), {"consensus": [{"claim": "42", "seats": ["A", "B"]}]}),
    }
    server = await serve(cast(parts))
    members, _ = await updates_of("What is it?")
    _, result = await updates_of("What is it?", given=members)
    assert result["rounds"] == 1
    assert [len(server.seen_by(name)) for name in PANEL] == [3, 3, 1]
    rounds = {(one["seat"], one["round"]) for one in result["answers"]}
    assert rounds == {("A", 0), ("B", 0), ("C", 0), ("A", 1), ("B", 1)}
