"""What a report needs beside the result: the tasks of its data set, and its answers' traces."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langgraph_fusion.evals.datasets.dataset import DataSet
from langgraph_fusion.evals.datasets.load import PINNED, cached_file, load_dataset
from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.evaluation import read_trace
from langgraph_fusion.evals.losses.loss import TraceOf
from langgraph_fusion.evals.place import evals_folder
from langgraph_fusion.evals.records import StoredResult, Task
from langgraph_fusion.evals.store import open_store


def tasks_of(result: StoredResult, data: Path | None) -> dict[str, Task]:
    """The tasks by id, from the file or from the cache; empty where there is neither.

    Raises:
        DataRefused: If the file is not the one that the result was made with.
    """
    found = _dataset_of(result, data)
    if found is None:
        return {}
    if found.sha256 != result.dataset.sha256:
        raise DataRefused(
            f"the result is of {result.dataset.name} with sha256 {result.dataset.sha256}, and "
            f"this file has {found.sha256}"
        )
    return {task.id: task for task in found.tasks}


def _dataset_of(result: StoredResult, data: Path | None) -> DataSet | None:
    name = result.dataset.name
    pinned = PINNED.get(name)
    if data is not None:
        return load_dataset(name, data) if pinned else load_dataset(str(data))
    if pinned is None or pinned.sha256 != result.dataset.sha256:
        return None
    return load_dataset(name) if cached_file(pinned).is_file() else None


@contextmanager
def stored_traces() -> Iterator[TraceOf]:
    """Find the traces of answers that were made here; of others there are none."""
    path = evals_folder() / "store.db"
    if not path.is_file():
        yield lambda outcome: None
        return
    with open_store(path) as store:
        yield lambda outcome: read_trace(store, outcome.answer)
