"""What the writer is told, in every mode: today's date, the caller's instructions, the length."""

import re
from importlib.resources import files
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from langgraph_fusion.graph.prompts import PROMPTS_VERSION, prompts_sha256
from tests.graph.cast import JUDGE, PANEL, WRITER, A, cast, disputed, settings
from tests.graph.conftest import Fuse
from tests.scripted import Seen

ASKED = [
    SystemMessage("Answer in rhyme."),
    HumanMessage("Who are you?"),
    HumanMessage("What is it?"),
]
SUSPECT = {
    "suspect_claims": [{"claim": "42", "seats": ["B"], "why": "no", "matters": "low"}],
    "best_answer": "B",
}


def systems(seen: Seen) -> list[str]:
    return [one["content"] for one in seen.messages if one["role"] == "system"]


@pytest.mark.parametrize("mode", ["synthesize", "select", "direct"])
async def test_the_callers_instructions_are_a_system_message_of_the_writers_own(
    fuse: Fuse, mode: str
) -> None:
    fused = await fuse(cast(analysis=SUSPECT), settings(mode=mode), ASKED)
    seen = fused.server.seen_by(WRITER)[0]
    assert systems(seen)[-1] == "Answer in rhyme."
    others = [one["content"] for one in seen.messages if one["role"] != "system"]
    assert not any("rhyme" in one for one in others), "and not among the data"


async def test_the_callers_instructions_bind_members_and_inform_the_judge(fuse: Fuse) -> None:
    fused = await fuse(cast(), settings(), ASKED)
    assert "Answer in rhyme." in fused.server.seen_by(A)[0].system
    judge = fused.server.seen_by(JUDGE)[0]
    assert "rhyme" not in judge.system
    assert "<instructions>\nAnswer in rhyme.\n</instructions>" in judge.last
    assert "<conversation>\nUser: Who are you?\n</conversation>" in judge.last


async def test_every_role_knows_the_day_on_which_the_run_began(fuse: Fuse) -> None:
    fused = await fuse(cast(), settings())
    today = f"Today is {fused.result.started_at[:10]}"
    for model in (*PANEL, JUDGE, WRITER):
        assert today in fused.server.seen_by(model)[0].system


@pytest.mark.parametrize(
    ("given", "there", "absent"),
    [
        ({}, "A judge has compared", "Follow-up answers"),
        ({"judge": "none"}, "Lose nothing", "A judge has compared"),
    ],
)
async def test_the_writer_is_told_of_what_there_is(
    fuse: Fuse, given: dict[str, Any], there: str, absent: str
) -> None:
    fused = await fuse(cast(), settings(**given))
    system = fused.server.seen_by(WRITER)[0].system
    assert there in system
    assert absent not in system


async def test_follow_up_answers_are_announced_when_there_are_some(fuse: Fuse) -> None:
    fused = await fuse(cast(analysis=disputed()), settings())
    assert "Follow-up answers" in fused.server.seen_by(WRITER)[0].system


@pytest.mark.parametrize("mode", ["synthesize", "select"])
async def test_a_length_is_asked_for_and_stands_in_the_result(fuse: Fuse, mode: str) -> None:
    told = {}
    for length in ("auto", "brief", "full"):
        fused = await fuse(cast(analysis=SUSPECT), settings(length=length, mode=mode))
        assert fused.result.length == length
        told[length] = fused.server.seen_by(WRITER)[0].system
    assert len(set(told.values())) == 3
    assert "at most a page" in told["brief"]


async def test_the_prompts_of_a_run_stand_in_its_result(fuse: Fuse) -> None:
    fused = await fuse(cast(), settings())
    assert fused.result.prompts is not None
    assert fused.result.prompts.version == PROMPTS_VERSION
    assert fused.result.prompts.sha256 == prompts_sha256()
    assert re.fullmatch(r"[0-9a-f]{64}", prompts_sha256())


def test_no_prompt_speaks_of_how_answers_are_graded() -> None:
    folder = files("langgraph_fusion.graph.prompts")
    texts = {one.name: one.read_text() for one in folder.iterdir() if one.name.endswith(".md")}
    assert len(texts) > 15
    for name, text in texts.items():
        assert not re.search(r"benchmark|rubric|criteri(on|a) (are|is) met|DRACO|grader", text), (
            name
        )
