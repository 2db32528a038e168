"""What a run is likely to use, stage by stage, from recorded figures and our own prompts' sizes."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from langgraph_fusion.graph.judging.evidence import EvidenceLimits
from langgraph_fusion.graph.prompts import prompt
from langgraph_fusion.graph.records import Stage
from langgraph_fusion.graph.seat import ModelSeat, PanelSeat
from langgraph_fusion.graph.settings import FusionSettings
from langgraph_fusion.graph.writing.writer_prompt import writer_system

Tier = Literal["low", "likely", "high"]
TIERS: tuple[Tier, ...] = ("low", "likely", "high")
_CHARS_PER_TOKEN = 4
_A_DAY = "2026-01-01"
_SOURCE_CHARS = 120
"""Of a source's title, address and tag in a prompt."""


_SERVER_TOKENS = 1500
"""Of the definitions of one MCP server's tools, which are known when it has started; ours."""
_LOST_TOKENS = 800
"""Of the list of what a draft lost."""
_SENTENCE_CHARS = 300
"""Of a cited sentence and what stands before it."""


@dataclass(frozen=True)
class Use:
    """What one seat uses in one stage, over all its calls there."""

    stage: Stage
    seat: ModelSeat
    calls: int
    input_tokens: int
    reread_tokens: int
    """Of the input, what an earlier call of the seat has sent already: a provider may have it."""
    output_tokens: int


def profile_source() -> str:
    """What the figures were derived from, in a few words."""
    return str(_profile()["source"])


def uses(
    settings: FusionSettings,
    question: str,
    tier: Tier,
    image_tokens: int = 0,
    file_chars: int = 0,
) -> Iterator[Use]:
    """What every seat of a run would use; `file_chars` reach the seats that search no files."""
    asked, files = _tokens(question) + image_tokens, file_chars // _CHARS_PER_TOKEN
    if not settings.members:
        alone, whole = settings.synthesizer, asked + files
        yield Use("synthesizer", alone, 1, whole, 0, _capped(alone, _of("writer", tier)))
        return
    seats = _seated(settings, tier)
    yield from (
        _member(settings, seat, asked + files * (not _searches(settings, seat)), tier)
        for seat in seats
    )
    most = settings.max_rounds if settings.judge else 0
    rounds = min(most, _of("follow_up", tier, "rounds"))
    for _ in range(rounds):
        some = seats[: _of("follow_up", tier, "asked")]
        yield from (
            _member(
                settings, seat, asked + files * (not _searches(settings, seat)), tier, again=True
            )
            for seat in some
        )
    read = asked + sum(_read(settings, seat, tier) for seat in seats)
    if settings.judge:
        times = 1 + rounds + (len(seats) > 2 and _adaptive(settings))
        yield _judge(settings, settings.judge, read, tier, times)
    if settings.mode != "analysis":
        writer = _writer(settings, read, tier)
        yield writer
        if settings.revises and tier != "low":
            yield _revision(writer)
    if settings.verifier and settings.verifies:
        yield _verify(settings.verifier, tier)


def _writer(settings: FusionSettings, read: int, tier: Tier) -> Use:
    seat = settings.synthesizer
    whole = _tokens(writer_system(settings, _A_DAY, judged=settings.judge is not None)) + read
    whole += _of("judge", tier, "analysis_tokens") if settings.judge else 0
    return Use("synthesizer", seat, 1, whole, 0, _capped(seat, _of("writer", tier)))


def _revision(writer: Use) -> Use:
    """All of the writer's request again, with its draft and the list, and a whole answer."""
    told = _tokens(prompt("revise", lost=""))
    whole = writer.input_tokens + writer.output_tokens + told + _LOST_TOKENS
    return replace(writer, input_tokens=whole, reread_tokens=writer.input_tokens)


def _verify(seat: ModelSeat, tier: Tier) -> Use:
    """Every citation with its passages, in batches: one for each source that members cite."""
    from langgraph_fusion.graph.verification.evidence import PASSAGE_CHARS
    from langgraph_fusion.graph.verification.verifier import BATCH

    cited = max(1, _of("member", tier, "cited_sources"))
    batches = -(-cited // BATCH)
    shown = cited * (PASSAGE_CHARS + _SENTENCE_CHARS + _SOURCE_CHARS) // _CHARS_PER_TOKEN
    asked = batches * _tokens(prompt("verify", schema=""))
    written = cited * _of("verify", tier, "verdict_tokens")
    return Use("verify", seat, batches, asked + shown, 0, _capped(seat, written))


def _seated(settings: FusionSettings, tier: Tier) -> tuple[PanelSeat, ...]:
    """An adaptive panel needs its first seats at least, and perhaps all."""
    if tier == "low" and _adaptive(settings):
        return settings.panel[: max(2, settings.min_answers)]
    return settings.panel


def _adaptive(settings: FusionSettings) -> bool:
    return settings.panel_growth == "adaptive"


def _member(
    settings: FusionSettings, seat: PanelSeat, asked: int, tier: Tier, *, again: bool = False
) -> Use:
    """Every turn reads the prompt and all tool results before it."""
    share = _profile()["follow_up"]["share"][tier] if again else 1.0
    calls = round(share * min(_of("member", tier, "tool_calls"), _most_calls(settings, seat)))
    turns = 1 + min(calls, max(0, round(share * _of("member", tier, "turns")) - 1))
    written = round(share * _of("member", tier, "answer_tokens"))
    first = asked + _tokens(prompt("member", today=_A_DAY)) + _tool_tokens(settings, seat)
    added = calls * (_of("member", tier, "result_tokens") + _of("member", tier, "call_tokens"))
    whole = turns * first + added * turns // 2
    return Use(
        "follow_up" if again else "panel",
        seat,
        calls=turns,
        input_tokens=whole,
        reread_tokens=whole - first - added if turns > 1 else 0,
        output_tokens=_capped(seat, written) + calls * _of("member", tier, "call_tokens"),
    )


def _judge(settings: FusionSettings, seat: ModelSeat, read: int, tier: Tier, times: int) -> Use:
    from langgraph_fusion.graph.judging.judge_call import schema_in_words

    most = str(settings.max_follow_ups)
    asked = prompt("judge", max_follow_ups=most, today=_A_DAY, schema=schema_in_words())
    system = _tokens(asked)
    analysis = _of("judge", tier, "analysis_tokens")
    return Use("judge", seat, times, times * (system + read), 0, times * analysis)


def _read(settings: FusionSettings, seat: PanelSeat, tier: Tier) -> int:
    """Tokens of one member's answer and evidence in the prompt of judge or writer."""
    answer = _capped(seat, _of("member", tier, "answer_tokens"))
    if not _most_calls(settings, seat):
        return answer
    limits, cited = EvidenceLimits(), _of("member", tier, "cited_sources")
    chars = cited * (limits.cited_chars + _SOURCE_CHARS)
    return answer + chars // _CHARS_PER_TOKEN


def _searches(settings: FusionSettings, seat: PanelSeat) -> bool:
    """Whether a seat would search files: with the default tools it does."""
    chosen = seat.tools if seat.tools is not None else settings.tools
    return (chosen is None or "docs" in chosen) and settings.max_calls_of(seat) > 0


def _most_calls(settings: FusionSettings, seat: PanelSeat) -> int:
    return settings.max_calls_of(seat) if settings.tools_of(seat) else 0


def _tool_tokens(settings: FusionSettings, seat: PanelSeat) -> int:
    """Tokens of the tools' definitions, which go with every call."""
    from langchain_core.utils.function_calling import convert_to_openai_tool

    from langgraph_fusion.tools import member_tools, own_tools
    from langgraph_fusion.tools.mcp.settings import servers_in

    groups = settings.tools_of(seat)
    names = own_tools(groups)
    tools = [convert_to_openai_tool(tool) for tool in member_tools() if tool.name in names]
    return _tokens(json.dumps(tools)) + _SERVER_TOKENS * len(servers_in(groups))


def _capped(seat: ModelSeat, tokens: int) -> int:
    return tokens if seat.max_tokens is None else min(tokens, seat.max_tokens)


def _tokens(text: str) -> int:
    return len(text) // _CHARS_PER_TOKEN


def _of(part: str, tier: Tier, figure: str = "answer_tokens") -> int:
    return int(_profile()[part][figure][tier])


@cache
def _profile() -> dict[str, Any]:
    text = files(__package__ or "").joinpath("usage_profile.toml").read_text("utf-8")
    return tomllib.loads(text)
