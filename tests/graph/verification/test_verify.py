"""`verify`: a verdict for every citation, by words or by a model, and nothing deleted."""

from pathlib import Path
from typing import Any

import pytest

from langgraph_fusion.graph.api import aask
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.preflight.estimate import estimate
from langgraph_fusion.graph.settings import FusionSettings
from tests.graph.cast import JUDGE, WRITER, A, B, Part, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.graph.stopping import stopped
from tests.scripted import Reply, Seen, hang, in_turn, status, structured, text, tool_calls

CHECKER = "v/checker"
ANSWER = "The fusion panel has three members [A1]. A run is free of charge [A2]. It is old [Z9]."
SAID = {
    "verdicts": [
        {"id": 1, "quote": "fusion panel has three members", "missing": "", "verdict": "supported"},
        {"id": 2, "quote": "it costs nothing", "missing": "0.12 dollars", "verdict": "not_found"},
    ]
}


def _reader(seen: Seen) -> Reply:
    if not seen.tool_results:
        wanted = [("docs_search", {"query": word}) for word in ("members", "costs")]
        return tool_calls(wanted)
    return text("Three members [A1], 0.12 dollars [A2].")


def _cast(checker: Reply | Part | None = None, **parts: Any) -> Part:
    told: dict[str, Any] = {A: _reader, WRITER: text(ANSWER)}
    return cast({**told, CHECKER: checker or structured(SAID), **parts})


def _settings(docs: str, verify: Any = CHECKER, **given: Any) -> FusionSettings:
    return settings(panel=[A, B], tools=["docs"], docs=docs, verify=verify, **given)


async def test_a_model_judges_each_citation_by_the_passage_around_its_claim(
    fuse: Fuse, docs: str
) -> None:
    fused = await fuse(_cast(), _settings(docs))
    (asked,) = fused.server.seen_by(CHECKER)
    assert "A run is free of charge [this]." in asked.last
    assert "A fusion run costs 0.12 dollars." in asked.last
    assert "Z9" not in asked.last
    found = fused.result.verification
    assert found is not None
    assert (found.method, found.model) == ("model", f"openrouter:{CHECKER}")
    assert [(one.number, one.claim, one.verdict) for one in found.citations] == [
        (1, "The fusion panel has three members.", "supported"),
        (2, "A run is free of charge.", "not_found"),
    ]
    assert [one.quote for one in found.citations] == ["fusion panel has three members", ""]
    assert "A run is free of charge" in fused.result.answer, "it is annotated, never deleted"
    assert fused.result.bill.stages["verify"].calls == 1
    assert fused.told("verify.finished")[0]["not_found"] == 1
    assert fused.result.degraded == ()


async def test_the_judge_can_be_asked_and_words_can_be_compared(fuse: Fuse, docs: str) -> None:
    analysis = structured({"consensus": [{"claim": "Three.", "seats": ["A", "B"]}]})
    judge = in_turn(analysis, structured(SAID))
    fused = await fuse(_cast(**{JUDGE: judge}), _settings(docs, "judge"))
    assert fused.result.verification is not None
    assert fused.result.verification.model == f"openrouter:{JUDGE}"
    by_words = await fuse(_cast(), _settings(docs, "lexical"))
    found = by_words.result.verification
    assert found is not None
    assert (found.method, found.model) == ("lexical", None)
    assert [one.verdict for one in found.citations] == ["supported", "not_found"]
    assert not by_words.server.seen_by(CHECKER)


async def test_off_asks_nobody(fuse: Fuse, docs: str) -> None:
    fused = await fuse(_cast(), _settings(docs, "off"))
    assert fused.result.verification is None
    assert not fused.told("verify.started")


async def test_what_cannot_be_read_is_sent_back_once_then_left_unchecked(
    fuse: Fuse, docs: str
) -> None:
    partial = structured({"verdicts": SAID["verdicts"][:1]})
    fused = await fuse(_cast(in_turn(partial, structured(SAID))), _settings(docs))
    assert "there is none for id 2" in fused.server.seen_by(CHECKER)[1].last
    assert fused.result.degraded == ()
    fused = await fuse(_cast(text("All fine!")), _settings(docs))
    assert len(fused.server.seen_by(CHECKER)) == 2
    assert fused.result.degraded == ("verify_failed",)
    assert fused.result.verification is not None
    assert [one.verdict for one in fused.result.verification.citations] == [None, None]
    assert "2 of 2 citations unchecked" in " ".join(fused.result.notes)


async def test_a_broken_checker_costs_no_answer(fuse: Fuse, docs: str) -> None:
    fused = await fuse(_cast(status(401)), _settings(docs))
    assert fused.result.answer.startswith("The fusion panel has three members [[1]]")
    assert fused.result.degraded == ("verify_failed",)


async def test_a_provider_that_refuses_the_schema_is_asked_in_words(fuse: Fuse, docs: str) -> None:
    def checker(seen: Seen) -> Reply:
        return status(400) if seen.wants_json else structured(SAID)

    fused = await fuse(_cast(checker), _settings(docs))
    assert '"verdicts"' in fused.server.seen_by(CHECKER)[-1].text
    assert fused.result.degraded == ()


async def test_a_run_stopped_while_it_verifies_pays_no_batch_twice(
    serve: Serve, tmp_path: Path, docs: str
) -> None:
    many = " ".join(
        f"Point {n} is that the fusion panel has three members [A1]." for n in range(11)
    )

    def checker(seen: Seen) -> Reply:
        return hang() if 'id="11"' in seen.last and stop else structured(_all(seen))

    stop = True
    server = await serve(_cast(checker, **{WRITER: text(many)}))
    chosen = _settings(docs)
    async with open_runs(tmp_path / "runs.db") as runs:
        assert runs is not None
        run_id = await stopped(runs, "model.call", seat="verifier", settings=chosen)
        stop = False
        result = await aask("What is it?", chosen, runs=runs, run_id=run_id)
    assert result.verification is not None
    assert [one.verdict for one in result.verification.citations] == ["supported"] * 11
    first = [seen for seen in server.seen_by(CHECKER) if 'id="1"' in seen.last]
    assert len(first) == 1
    assert len(server.seen_by(WRITER)) == 1


def _all(seen: Seen) -> dict[str, Any]:
    ids = [number for number in range(1, 12) if f'<citation id="{number}">' in seen.last]
    plain = {"quote": "", "missing": "", "verdict": "supported"}
    return {"verdicts": [{"id": number, **plain} for number in ids]}


async def test_a_form_has_no_citations_to_check(fuse: Fuse, docs: str) -> None:
    form = {"type": "json_object"}
    script = _cast(**{WRITER: text('{"members": 3}')})
    fused = await fuse(script, _settings(docs, response_format=form))
    assert fused.result.verification is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"verify": "judge", "judge": "none"}, "verify: there is no judge"),
        ({"verify": "offline:judge"}, "verify: offline programs cannot"),
        ({"verify": {"model": ""}}, "verify"),
        ({"verify": 3}, "verify"),
    ],
)
def test_what_cannot_verify_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(**given)


def test_the_check_is_part_of_an_estimate() -> None:
    made = estimate(settings(verify=CHECKER))
    assert made.stages["verify"].calls.likely >= 1
    assert "verify" not in estimate(settings(verify="lexical")).stages
    assert "verify" not in estimate(settings()).stages


async def test_ids_of_one_address_after_a_sentence_are_one_citation(fuse: Fuse, docs: str) -> None:
    members: dict[str, Any] = {
        B: _reader,
        WRITER: text("The fusion panel has three members [A1][B1]."),
    }
    fused = await fuse(_cast(**members), _settings(docs, "lexical"))
    assert fused.result.verification is not None
    (one,) = fused.result.verification.citations
    assert (one.number, one.verdict) == (1, "supported")
    assert fused.told("verify.started")[0]["citations"] == 1
