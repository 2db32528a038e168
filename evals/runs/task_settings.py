"""The settings of a run on one task: what the task brings along, and what it keeps away."""

from pathlib import Path
from typing import Any

from langgraph_fusion.evals.records import Task
from langgraph_fusion.evals.runs.context import EvalContext
from langgraph_fusion.evals.store import key_of
from langgraph_fusion.graph.settings import FusionSettings


def settings_for(context: EvalContext, task: Task, settings: FusionSettings) -> FusionSettings:
    """Add the task's documents, and the addresses that would give its rubric away."""
    exclude = dict.fromkeys([*settings.exclude, *context.exclude, *task.exclude])
    changes: dict[str, Any] = {"exclude": list(exclude), "budget_usd": None}
    if task.documents:
        changes["docs"] = str(_folder(context.folder, task))
        own = settings.tools or ()
        changes["tools"] = [*own, *(() if "docs" in own else ("docs",))]
    return settings.changed(**changes)


def documents_key(task: Task) -> str:
    return key_of([one.model_dump() for one in task.documents])


def _folder(place: Path, task: Task) -> Path:
    """The task's documents as files, named as their titles; written once."""
    folder = place / documents_key(task)[:16]
    if not folder.is_dir():
        half = folder.with_suffix(".part")
        half.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number, one in enumerate(task.documents, 1):
            text = f"# {one.title}\n\n{one.text}\n"
            (half / f"{number:03d}.md").write_text(text, encoding="utf-8")
        half.rename(folder)
    return folder
