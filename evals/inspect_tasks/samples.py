"""Tasks as samples of Inspect, and what passes from solver to scorer.

A sample holds the question and no word of its rubric: nothing that Inspect logs or shows a solver
gives it away. The scorer finds the rubric by the sample's id.
"""

from typing import Any

from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage
from inspect_ai.solver import TaskState

from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.records import Answer

ANSWER = "langgraph_fusion_answer"
"""The key of the whole answer in the store of a sample."""


def samples_of(data: DataSet) -> MemoryDataset:
    """Every task of the set; who runs it chooses with `--limit` or `--sample-id`."""
    samples = [
        Sample(input=task.question, id=task.id, metadata={"domain": task.domain})
        for task in data.tasks
    ]
    return MemoryDataset(samples, name=data.name)


def described(data: DataSet) -> dict[str, Any]:
    """What was measured, for the log."""
    return {"dataset": data.name, "revision": data.revision, "sha256": data.sha256}


def put_answer(state: TaskState, answer: Answer) -> TaskState:
    """Hand an answer on, in our form for the scorer and in Inspect's for its viewer."""
    state.store.set(ANSWER, answer.model_dump(mode="json"))
    output = ModelOutput.from_content(
        answer.model or "unknown",
        answer.text,
        stop_reason="max_tokens" if answer.finish == "length" else "stop",
        error=answer.error,
    )
    output.usage = _usage(answer)  # without one Inspect loads a tokenizer to count
    state.output = output
    return state


def answer_of(state: TaskState) -> Answer:
    """What our solver left; of another solver its completion."""
    stored = state.store.get(ANSWER)
    if stored is not None:
        return Answer.model_validate(stored)
    text = state.output.completion
    if not text.strip():
        return Answer(text="", finish="failed", error="no text")
    cut_off = state.output.stop_reason == "max_tokens"
    return Answer(text=text, finish="length" if cut_off else "stop")


def _usage(answer: Answer) -> ModelUsage:
    sent = sum(stage.input_tokens or 0 for stage in answer.stages)
    made = sum(stage.output_tokens or 0 for stage in answer.stages)
    return ModelUsage(input_tokens=sent, output_tokens=made, total_tokens=sent + made)
