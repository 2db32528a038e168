"""From a run over a server to the stage at which its writer, or the fitting, lost a fact."""

import json
from pathlib import Path

import pytest

from langgraph_fusion.evals.arms.from_settings import arms_of
from langgraph_fusion.evals.datasets.load import load_dataset
from langgraph_fusion.evals.evaluate import Plan, evaluate
from langgraph_fusion.evals.protocols.published import protocol_named
from langgraph_fusion.evals.report.analysis import analyse
from langgraph_fusion.evals.report.page import report_page
from langgraph_fusion.evals.report.stored import stored_traces, tasks_of
from tests.evals.world import GRADER
from tests.graph.cast import JUDGE, WRITER, A, B, settings
from tests.graph.conftest import Price, Serve
from tests.scripted import Reply, Seen, structured, text

FACTS = {
    "gauge": "The gauge at the mill stands at 420 centimetres.",
    "farms": "The farms Heron and Alder lost 17 meadows in 1994.",
    "lamps": "The lamps were sold to the harbour museum for 900 crowns.",
}
SAYS = {
    A: f"{FACTS['gauge']} {FACTS['farms']}",
    B: f"{FACTS['gauge']} {FACTS['lamps']}",
    WRITER: f"{FACTS['gauge']} The farms Heron and Alder lost meadows.",
}


def played(seen: Seen) -> Reply:
    if seen.model == GRADER:
        answer = seen.last.partition("<answer>")[2].partition("</answer>")[0]
        (asked,) = [fact for fact in FACTS.values() if fact in seen.last.replace(answer, "")]
        met = "MET" if asked in answer else "UNMET"
        return structured({"verdict": met, "justification": "."})
    if seen.model == JUDGE:
        insight = {"insight": FACTS["lamps"], "seat": "B"}
        return structured({"unique_insights": [insight], "best_answer": "A"})
    return text(SAYS[seen.model])


async def test_a_fact_is_followed_from_a_member_to_the_answer_without_it(
    serve: Serve, priced: Price, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSION_EVALS", str(tmp_path / "evals"))
    await serve(played)
    file = tmp_path / "flood.jsonl"
    rubric = [{"id": name, "requirement": f"Says: {fact}"} for name, fact in FACTS.items()]
    file.write_text(json.dumps({"id": "flood", "question": "What of it?", "rubric": rubric}))
    data = load_dataset(str(file))
    members, arms = arms_of(settings(panel=[A, B], judge=JUDGE, synthesizer=WRITER))
    result = await evaluate(Plan(data, members, arms, protocol_named("cheap"), GRADER))

    with stored_traces() as trace_of:
        found = analyse(result, tasks_of(result, file), trace_of)
    (panel,) = [one for one in found.losses if one.arm == "panel"]
    assert (panel.tasks, panel.traced) == (1, 1)
    lost = {one.criterion: one for one in panel.losses}
    assert lost.keys() == {"farms", "lamps"}
    assert (lost["farms"].stage, lost["farms"].found_by) == ("changed", ("solo a",))
    assert (lost["lamps"].stage, lost["lamps"].found_by) == ("dropped", ("solo b",))
    assert lost["lamps"].passage == FACTS["lamps"]
    assert (lost["farms"].in_analysis, lost["lamps"].in_analysis) == ("absent", "kept")
    assert {one.in_writer_request for one in panel.losses} == {"kept"}
    assert {one.in_judge_request for one in panel.losses} == {"kept"}
    (behind,) = panel.behind
    assert behind.score == pytest.approx(100 / 3)
    assert "900 crowns" in report_page(found)
