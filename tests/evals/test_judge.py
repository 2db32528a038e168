"""A judge's calls: lost verdicts, refused formats, units of several criteria, keys."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from langgraph_fusion.evals.budget import EvalBudget
from langgraph_fusion.evals.grading import Grader
from langgraph_fusion.evals.judge import Judge
from langgraph_fusion.evals.protocols.protocol import Protocol
from langgraph_fusion.evals.protocols.published import PROTOCOLS, protocol_named
from langgraph_fusion.evals.records import Answer, Outcome
from langgraph_fusion.evals.store import open_store
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.models.prices import default_prices
from tests.evals.world import GRADER, SECRET, dataset, expected_score, grader
from tests.graph.conftest import Serve
from tests.scripted import Reply, Seen, status, structured, text

ANSWER = Answer(text="The box holds amber and coral.")


@contextmanager
def judge_of(folder: Path, protocol: Protocol, model: str = GRADER) -> Iterator[Judge]:
    with open_store(folder / "store.db") as store:
        budget = EvalBudget(None)
        yield Judge(protocol, model, store, budget, default_prices(), asyncio.Semaphore(8))


async def graded(folder: Path, protocol: Protocol, model: str = GRADER) -> Outcome:
    (task,) = dataset(1).tasks
    with judge_of(folder, protocol, model) as judge:
        return await Grader(judge).grade(task, ANSWER)


async def test_a_reply_that_is_no_verdict_is_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    tries: dict[str, int] = {}

    def part(seen: Seen) -> Reply:
        tries[seen.last] = tries.get(seen.last, 0) + 1
        return grader(seen) if tries[seen.last] == 3 else text("I am not sure about this one.")

    server = await serve(part)
    found = await graded(tmp_path, protocol_named("cheap"))
    assert found.score is not None
    assert (found.obtained, found.due) == (5, 5)
    assert len(server.requests) == 3 * 5


async def test_a_lost_verdict_leaves_the_task_unscored_and_is_bought_another_time(
    serve: Serve, tmp_path: Path
) -> None:
    broken = {"is": True}

    def part(seen: Seen) -> Reply:
        lost = broken["is"] and "(3)" in seen.last
        return text("…") if lost else grader(seen)

    server = await serve(part)
    found = await graded(tmp_path, protocol_named("cheap"))
    assert found.score is None
    assert (found.obtained, found.due) == (4, 5)
    (lost,) = [one for one in found.verdicts if one.met is None]
    assert (lost.criterion, lost.error) == ("c3", "no verdict could be read")
    server.requests.clear()
    broken["is"] = False
    again = await graded(tmp_path, protocol_named("cheap"))
    assert again.score is not None
    assert len(server.requests) == 1


async def test_a_protocol_that_drops_lost_verdicts_scores_the_rest(
    serve: Serve, tmp_path: Path
) -> None:
    def part(seen: Seen) -> Reply:
        return text("…") if "(0)" in seen.last else openrouter_grader(seen)

    await serve(part)
    protocol = protocol_named("openrouter").with_passes(1)
    found = await graded(tmp_path, protocol)
    assert found.score is not None
    assert found.obtained == 4
    assert found.score.positive == 3 + 4 + 3


async def test_an_outage_loses_verdicts_and_says_why(serve: Serve, tmp_path: Path) -> None:
    await serve(lambda seen: status(402))
    found = await graded(tmp_path, protocol_named("cheap"))
    assert found.obtained == 0
    assert all("insufficient_credits" in str(one.error) for one in found.verdicts)


async def test_a_provider_that_refuses_the_format_is_asked_in_words(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve(lambda seen: status(400) if seen.wants_json else grader(seen))
    found = await graded(tmp_path, protocol_named("cheap"))
    assert found.score is not None
    assert any(not seen.wants_json for seen in server.requests)


async def test_items_of_one_call_get_their_own_verdicts(serve: Serve, tmp_path: Path) -> None:
    def part(seen: Seen) -> Reply:
        assert all(f"c{n}: " in seen.last for n in range(5))
        named = {0: 1, 1: 0, 2: 1, 3: -1, 4: 0}
        return structured({"results": [{"id": f"c{n}", "score": s} for n, s in named.items()]})

    server = await serve(part)
    found = await graded(tmp_path, protocol_named("drb2"))
    assert {one.criterion: one.met for one in found.verdicts} == {
        "c0": True, "c1": False, "c2": True, "c3": False, "c4": False,
    }  # fmt: skip
    assert len(server.requests) == 1


async def test_verdicts_are_kept_by_protocol_judge_and_pass(serve: Serve, tmp_path: Path) -> None:
    server = await serve(grader)
    cheap = protocol_named("cheap")
    await graded(tmp_path, cheap)
    await graded(tmp_path, cheap.with_passes(2))
    assert len(server.requests) == 2 * 5, "the first pass is shared"
    await graded(tmp_path, cheap, "g/other")
    await graded(tmp_path, replace(cheap, temperature=1.0))
    assert len(server.requests) == 4 * 5
    await graded(tmp_path, cheap)
    assert len(server.requests) == 4 * 5


async def test_an_unusable_answer_is_not_graded(serve: Serve, tmp_path: Path) -> None:
    server = await serve(grader)
    (task,) = dataset(1).tasks
    with judge_of(tmp_path, protocol_named("cheap")) as judge:
        for answer in (Answer(text=" "), Answer(text="No.", refused=True)):
            found = await Grader(judge).grade(task, answer)
            assert (found.score, found.due) == (None, 0)
    assert not server.requests


async def test_the_score_is_that_of_the_verdicts(serve: Serve, tmp_path: Path) -> None:
    await serve(grader)
    (task,) = dataset(1).tasks
    found = await graded(tmp_path, protocol_named("cheap").with_passes(3))
    assert found.score is not None
    assert found.score.score == pytest.approx(expected_score(task, ANSWER.text))
    assert len(found.score.passes) == 3


def test_a_protocol_has_a_hash_of_what_is_sent() -> None:
    hashes = {one.sha256 for one in PROTOCOLS.values()}
    assert len(hashes) == len(PROTOCOLS)
    cheap = protocol_named("cheap")
    assert cheap.with_passes(9).sha256 == cheap.sha256
    assert replace(cheap, reasoning_effort="high").sha256 != cheap.sha256
    other = replace(cheap, make_prompt=protocol_named("openrouter").make_prompt)
    assert other.sha256 != cheap.sha256


def test_the_judge_of_the_paper_sees_the_sign_and_never_the_weight_or_a_sibling() -> None:
    (task,) = dataset(1).tasks
    fault = task.criteria[3]
    sent = protocol_named("paper").make_prompt(task, ANSWER.text, (fault,))
    assert "negative" in sent.user
    assert sent.user.index(fault.requirement) < sent.user.index(task.question)
    assert sent.user.count(SECRET) == 1
    assert str(fault.weight) not in sent.user
    assert sent.system.startswith("You are evaluating a response for a given query against")


def test_the_judge_of_openrouter_sees_no_sign_and_the_answer_first() -> None:
    (task,) = dataset(1).tasks
    fault = task.criteria[3]
    sent = protocol_named("openrouter").make_prompt(task, ANSWER.text, (fault,))
    assert sent.user.index(ANSWER.text) < sent.user.index(fault.requirement)
    assert "negative" not in sent.user
    assert "-4" not in sent.user


def test_an_unknown_protocol_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="paper, openrouter, cheap, drb2"):
        protocol_named("strict")


def openrouter_grader(seen: Seen) -> Reply:
    met = "coral" in seen.last.rsplit("## Criterion")[1]
    return structured({"verdict": "MET" if met else "UNMET", "justification": "."})
