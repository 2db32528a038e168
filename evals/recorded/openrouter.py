"""Verdict files of github.com/OpenRouterTeam/benchmark-harness: one task, a run a judge's pass."""

from langgraph_fusion.evals.datasets.rows import Row, field_of
from langgraph_fusion.evals.recorded.rows import RecordedVerdicts
from langgraph_fusion.evals.records import Verdict
from langgraph_fusion.graph.records import sum_costs

_WORDS = {"MET": True, "UNMET": False}


def verdicts(row: Row, place: str) -> list[RecordedVerdicts]:
    runs = field_of(row, "runs", list, place)
    given = [(number, one) for number, run in enumerate(runs) for one in run["verdicts"]]
    return [
        RecordedVerdicts(
            arm=field_of(row, "experiment_name", str, place),
            task=field_of(row, "task_id", str, place),
            verdicts=tuple(_verdict(one, number) for number, one in given),
            judge=row.get("judge_model"),
            passes=len(runs),
            weights={one["criterion_id"]: one["weight"] for _, one in given},
            error=next((run["error"] for run in runs if run.get("error")), None),
            judge_usd=sum_costs(run.get("cost") for run in runs).total_usd,
        )
    ]


def _verdict(one: Row, judge_pass: int) -> Verdict:
    return Verdict(
        criterion=one["criterion_id"],
        judge_pass=judge_pass,
        met=_WORDS.get(one["verdict"]),
        reason=str(one.get("justification", "")),
    )
