"""Members that call tools badly, or whose models take them badly, answer all the same."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.records import MemberAnswer
from langgraph_fusion.graph.result import FusionResult
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.models.http import close_http_client
from tests.graph.cast import A, B, Part, cast, disputed, judge, settings
from tests.graph.faults.leaks import nothing_left
from tests.graph.faults.repairs import ANSWER, LOOK, REPAIRS, Repair
from tests.scripted import Reply, Seen, scripted_server

PLACES = ("first call", "mid-run", "follow-up")


@pytest.mark.parametrize("repair", REPAIRS, ids=lambda repair: repair.name)
async def test_a_repair_at_every_place_of_a_member(
    repair: Repair, docs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nothing_left(), scripted_server(script_of(repair)) as server:
        monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-secret-key")
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        runs = (aask("?", settings_of(place, repair, docs)) for place in PLACES)
        found = dict(zip(PLACES, await asyncio.gather(*runs), strict=True))
        await close_http_client()
        for place, result in found.items():
            answered_all_the_same(place, repair, result)
        billed = server.usage()
        totals = [result.bill.total for result in found.values()]
        assert sum(total.input_tokens or 0 for total in totals) == billed.prompt_tokens
        assert sum(total.calls for total in totals) == len(server.requests)
        assert server.in_flight == 0


def answered_all_the_same(place: str, repair: Repair, result: FusionResult) -> None:
    answer = next(one for one in result.answers if one.seat == "A" and is_there(place, one))
    assert (place, answer.text, answer.status, answer.error) == (
        place,
        "Alpha says 42.",
        "ok",
        None,
    )
    assert (place, answer.tool_errors) == (place, repair.tool_errors)
    assert (place, answer.cut_short) == (place, repair.cut_short)
    assert answer.without_tools == repair.without_tools
    assert result.degraded == repair.degraded
    failed = [call.error for call in result.bill.calls if call.error]
    assert (place, failed) == (place, list(repair.failed_calls))
    assert result.answer == "Done."


def is_there(place: str, answer: MemberAnswer) -> bool:
    return answer.round == int(place == "follow-up")


def settings_of(place: str, repair: Repair, docs: str) -> FusionSettings:
    panel: list[Any] = [f"{A}@{place.replace(' ', '_')}", {"model": B, "max_tool_calls": 0}]
    return settings(
        panel=panel,
        tools=["docs"],
        docs=docs,
        max_tool_calls=repair.max_tool_calls,
        max_rounds=int(place == "follow-up"),
    )


def script_of(repair: Repair) -> Part:
    numbers: Counter[str] = Counter()
    others = cast({"j/judge": judge(disputed(), {})})

    def part(seen: Seen) -> Any:
        role, _, place = seen.model.partition("@")
        if role != A:
            return others(seen)
        if reply := _before(place, seen):
            return reply
        numbers[seen.model] += 1
        return repair.script(seen, numbers[seen.model] - 1)

    return part


def _before(place: str, seen: Seen) -> Reply | None:
    """What the member does before the fault is there."""
    if place == "mid-run" and seen.tool_names and not seen.tool_results:
        return LOOK if "tool_result" not in seen.text else None
    if place == "follow-up" and "<your_earlier_answer>" not in seen.text:
        return ANSWER
    return None
