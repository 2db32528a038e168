"""The size and mess of real output: recorded reports of one benchmark task as members' words."""

from tests.graph.cast import JUDGE, WRITER, cast, judge, settings
from tests.graph.conftest import Fuse
from tests.scripted import text
from tests.shared_data import long_reports, rows

PANEL = [f"m/{letter}" for letter in "abcde"]
LONG = 20_000


async def test_five_long_reports_reach_judge_and_writer_whole(fuse: Fuse) -> None:
    question, reports = long_reports(LONG)
    parts = {model: text(report) for model, report in zip(PANEL, reports, strict=True)}
    fused = await fuse(cast(parts), settings(panel=PANEL), question)
    for model in (JUDGE, WRITER):
        prompt = fused.server.seen_by(model)[0].last
        for answer in fused.result.answers:
            assert answer.text in prompt, f"{answer.seat} was cut"
    for answer, report in zip(fused.result.answers, reports, strict=True):
        assert answer.text == report.strip(), "nothing of a report is lost"
        assert answer.status == "ok"


async def test_a_real_report_as_the_final_answer_keeps_its_words(fuse: Fuse) -> None:
    question, reports = long_reports(LONG)
    script = cast({WRITER: text(reports[0])})
    fused = await fuse(script, settings(), question)
    body, _, notes = fused.result.answer.partition("\n\n## Not verified\n\n")
    assert body == reports[0].strip(), "no mark stands in it"
    assert "was not retrieved" in notes
    assert fused.result.unverified, "its addresses were not retrieved in this run"


async def test_conflicting_documents_reach_the_judge_as_a_dispute(fuse: Fuse) -> None:
    row = next(r for r in rows("samples/ramdocs_conflict.jsonl") if r["wrong_answers"])
    right = next(d["text"] for d in row["documents"] if d["type"] == "correct")
    wrong = next(d["text"] for d in row["documents"] if d["type"] == "misinfo")
    stances = [
        {"seat": "A", "stance": row["gold_answers"][0]},
        {"seat": "B", "stance": row["wrong_answers"][0]},
    ]
    found = {"contradictions": [{"topic": row["question"], "stances": stances, "matters": "low"}]}
    script = cast({"m/a": text(right), "m/b": text(wrong), JUDGE: judge(found)})
    fused = await fuse(script, settings(), row["question"])
    assert fused.result.analysis is not None
    assert fused.result.analysis.contradictions[0].id == "K1"
    assert row["wrong_answers"][0] in fused.server.seen_by(WRITER)[0].last


async def test_the_offline_judge_finds_planted_conflicts_under_the_graph(fuse: Fuse) -> None:
    script = cast(
        {
            "m/a": text("The Aswan dam is 111 metres high and was completed in 1970."),
            "m/b": text("The Aswan dam is 98 metres high and was completed in 1970."),
            "m/c": text("The Aswan dam was completed in 1970."),
        }
    )
    fused = await fuse(script, settings(judge="offline:judge"), "How high is the Aswan dam?")
    assert fused.result.analysis is not None
    assert fused.result.analysis.contradictions
    assert {s.seat for s in fused.result.analysis.contradictions[0].stances} >= {"A", "B"}
