"""What is sent again stands unchanged in front, byte for byte, so that providers' caches hit."""

import json
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from tests.graph.cast import (
    JUDGE,
    PANEL,
    WRITER,
    A,
    B,
    asked_again,
    cast,
    contradiction,
    disputed,
    judge,
    settings,
)
from tests.graph.conftest import Fuse
from tests.scripted import Reply, Seen, structured, text, tool_calls

SETTLED = {"contradictions": [contradiction(status="resolved", resolution="42.")]}
CLAUDE = "anthropic/claude-opus-latest"


def raw(part: Any) -> str:
    """A part of a request as it went over the wire: order of keys and all."""
    return json.dumps(part, ensure_ascii=False)


def in_front(shorter: Seen, longer: Seen) -> bool:
    """Whether all messages of one request stand unchanged at the beginning of another."""
    before, after = raw(shorter.messages)[:-1], raw(longer.messages)
    return after.startswith(before) and len(longer.messages) > len(shorter.messages)


def _without(seen: Seen, parts: tuple[str, ...]) -> str:
    return raw({key: value for key, value in seen.body.items() if key not in parts})


def member(seen: Seen, cited: str = "A1") -> Reply:
    """Searches twice, then answers."""
    if seen.tool_names and len(seen.tool_results) < 2:
        return tool_calls([("docs_search", {"query": f"fusion {len(seen.tool_results)}"})])
    return text(f"Three members [{cited}].")


async def test_members_send_the_same_bytes(fuse: Fuse, docs: str) -> None:
    fused = await fuse(cast(dict.fromkeys(PANEL, member)), settings(tools=["docs"], docs=docs))
    first = [fused.server.seen_by(model)[0] for model in PANEL]
    assert len({raw(seen.messages) for seen in first}) == 1
    assert len({raw(seen.body["tools"]) for seen in first}) == 1
    assert len({raw([key for key in seen.body if key != "model"]) for seen in first}) == 1


async def test_what_is_a_seats_own_comes_last(fuse: Fuse, docs: str) -> None:
    own = [{"model": A, "instructions": "Doubt it."}, {"model": B, "instructions": "Trust it."}]
    given = settings(panel=own, tools=["docs"], docs=docs)
    turns = [SystemMessage("Be brief."), HumanMessage("What is it?")]
    fused = await fuse(cast({A: member, B: member}), given, turns)
    first, second = (fused.server.seen_by(model)[0] for model in (A, B))
    assert raw(first.body["tools"]) == raw(second.body["tools"])
    shared = first.system.removesuffix("Doubt it.")
    assert shared == second.system.removesuffix("Trust it.")
    assert "\n\nBe brief.\n\nYou have 16 tool calls" in shared
    assert raw(first.messages[1:]) == raw(second.messages[1:])


async def test_every_turn_of_a_member_begins_with_the_one_before(fuse: Fuse, docs: str) -> None:
    fused = await fuse(cast({A: member}), settings(panel=[A], tools=["docs"], docs=docs))
    turns = fused.server.seen_by(A)
    assert len(turns) == 3
    assert all(in_front(one, next_) for one, next_ in pairwise(turns))
    assert len({raw(seen.body["tools"]) for seen in turns}) == 1


async def test_the_last_turn_says_that_no_tool_may_be_called_and_changes_nothing_else(
    fuse: Fuse, docs: str
) -> None:
    given = settings(panel=[A], tools=["docs"], docs=docs, max_tool_calls=1)
    fused = await fuse(cast({A: member}), given)
    research, last = fused.server.seen_by(A)
    assert in_front(research, last)
    assert raw(last.body["tools"]) == raw(research.body["tools"])
    assert last.body["tool_choice"] == "none"
    own = ("messages", "tool_choice")
    assert _without(last, own) == _without(research, own)


@pytest.mark.parametrize("why", ["time", "quorum"])
async def test_who_is_cut_off_keeps_the_tools_in_its_prompt(
    fuse: Fuse, docs: str, why: str
) -> None:
    """One that has research left to do is told to write: its prefix stays as it was."""
    limits = {"time": {"deadline_s": 5.0}, "quorum": {"quorum": 1, "grace_s": 20.0}}

    def slow(seen: Seen) -> Reply:
        if not seen.tool_names:
            return text("Three members [A1].")
        return tool_calls([("docs_search", {"query": f"{len(seen.tool_results)}"})]).after(0.5)

    panel = [A] if why == "time" else [A, {"model": B, "max_tool_calls": 0}]
    given = settings(panel=panel, tools=["docs"], docs=docs, **limits[why])
    fused = await fuse(cast({A: slow, B: text("Beta says 42.").after(1.2)}), given)
    assert fused.result.answers[0].cut_short == why
    *_, research, last = fused.server.seen_by(A)
    assert in_front(research, last)
    assert raw(last.body["tools"]) == raw(research.body["tools"])
    assert last.body["tool_choice"] == "none"


async def test_a_follow_up_begins_as_the_first_round_did(fuse: Fuse, docs: str) -> None:
    script = cast({B: asked_again(member, member), A: member, JUDGE: judge(disputed(), SETTLED)})
    fused = await fuse(script, settings(tools=["docs"], docs=docs))
    rounds = [seen for seen in fused.server.seen_by(A) if len(seen.messages) == 2]
    assert len(rounds) == 2
    assert raw(rounds[0].messages[0]) == raw(rounds[1].messages[0])
    assert raw(rounds[0].body["tools"]) == raw(rounds[1].body["tools"])


@pytest.mark.parametrize("seed", range(4))
async def test_a_later_judgement_keeps_the_role_and_sends_no_answer_again(
    fuse: Fuse, docs: str, seed: int
) -> None:
    script = cast(
        {A: asked_again(text("Alpha says 42."), member), B: partial(member, cited="B1"),
         JUDGE: judge(disputed(), SETTLED)}
    )  # fmt: skip
    fused = await fuse(script, settings(tools=["docs"], docs=docs, seed=seed))
    first, second = fused.server.seen_by(JUDGE)
    assert raw(first.messages[0]) == raw(second.messages[0])
    assert "<answer " in first.last
    assert "<answer " not in second.last
    asked = [one.body["response_format"]["json_schema"]["schema"] for one in (first, second)]
    ids = [schema["$defs"].pop("SourceId")["enum"] for schema in asked]
    assert asked[0] == asked[1]
    assert ids == [["B1"], ["A1", "B1"]], "what the follow-ups showed may be named as well"


async def test_a_judges_repair_begins_with_what_it_was_asked(fuse: Fuse) -> None:
    wrong = structured({"consensus": [{"claim": "x", "seats": ["Z"]}]})
    fused = await fuse(cast({JUDGE: wrong}), settings())
    first, repair, brief = fused.server.seen_by(JUDGE)
    assert in_front(first, repair)
    assert not in_front(first, brief), "a judge that fails twice is asked for less"


async def test_a_continued_text_begins_with_what_the_writer_was_asked(fuse: Fuse) -> None:
    replies = [text("One ", finish_reason="length"), text("two.")]
    fused = await fuse(cast({WRITER: lambda _: replies.pop(0)}), settings())
    first, second = fused.server.seen_by(WRITER)
    assert in_front(first, second)


async def test_a_member_that_caches_on_demand_is_told_to_while_it_has_tools(
    fuse: Fuse, docs: str
) -> None:
    given = settings(
        panel=[CLAUDE, A], judge=f"~{CLAUDE}", synthesizer=CLAUDE, tools=["docs"], docs=docs
    )
    told = cast({CLAUDE: member, f"~{CLAUDE}": structured({}), A: member})
    fused = await fuse(told, given)
    turns = [seen for seen in fused.server.seen_by(CLAUDE) if seen.tool_names]
    assert turns
    assert all(seen.body["cache_control"] == {"type": "ephemeral"} for seen in turns)
    others = [seen for seen in fused.server.requests if not seen.tool_names or seen.model == A]
    assert others
    assert not any("cache_control" in seen.body for seen in others)


async def test_a_seat_may_ask_for_another_cache(fuse: Fuse, docs: str) -> None:
    seat = {"model": CLAUDE, "extra": {"cache_control": {"type": "ephemeral", "ttl": "1h"}}}
    fused = await fuse(cast({CLAUDE: member}), settings(panel=[seat], tools=["docs"], docs=docs))
    assert fused.server.seen_by(CLAUDE)[0].body["cache_control"]["ttl"] == "1h"
