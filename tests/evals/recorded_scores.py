"""Scores of recorded runs, read without any code of the product."""

from tests.shared_data import rows

OPUS = "draco/rejudge-sota5-frontier-opusfuser.jsonl"
GLM = "draco/rejudge-sota5-frontier-glmfuser.jsonl"
BUDGET = "draco/rejudge-fusion-client-budget-opus-full100.jsonl"


def recorded_scores(file: str) -> dict[str, float]:
    """The recorded score of each task; tests skip where the file is absent."""
    return {row["task_id"]: float(row["score"]) for row in rows(file) if "score" in row}
