"""A data set in memory, and where a pinned one comes from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from langgraph_fusion.evals.errors import DataRefused
from langgraph_fusion.evals.records import DataSetRef, Task

Reader = Callable[[str], list[Task]]
"""From the text of a file to its tasks; raises `DataRefused`."""


@dataclass(frozen=True)
class DataSet:
    """Tasks, and which file they were read from."""

    name: str
    sha256: str
    """Of the file."""
    tasks: tuple[Task, ...]
    revision: str | None = None
    exclude: tuple[str, ...] = ()
    """Addresses that give rubrics away: no tool of a member may touch them."""
    size: int = 0
    """Tasks in the whole set."""

    def chosen(self, ids: Sequence[str] = (), limit: int | None = None) -> "DataSet":
        """The same set with only these tasks; `limit` takes that many, spread over the domains.

        Raises:
            DataRefused: If there is no task with one of the ids.
        """
        known = {task.id: task for task in self.tasks}
        if missing := [one for one in ids if one not in known]:
            raise DataRefused(f"{self.name} has no task {', '.join(missing)}")
        tasks = [known[one] for one in ids] if ids else list(self.tasks)
        if limit is not None:
            tasks = spread(tasks, limit)
        return DataSet(self.name, self.sha256, tuple(tasks), self.revision, self.exclude, self.size)

    @property
    def ref(self) -> DataSetRef:
        return DataSetRef(
            name=self.name,
            revision=self.revision,
            sha256=self.sha256,
            tasks=self.size,
            chosen=tuple(task.id for task in self.tasks),
        )

    @property
    def graded_by_rubric(self) -> bool:
        return any(task.criteria for task in self.tasks)


@dataclass(frozen=True)
class Pinned:
    """A published data set: one file at one revision."""

    name: str
    url: str
    revision: str
    sha256: str
    reader: Reader
    exclude: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    """sha256 of other files that are known, and what they are."""

    def revision_of(self, sha256: str) -> str:
        """What the file with this hash is.

        Raises:
            DataRefused: If it is none that is known.
        """
        if sha256 == self.sha256:
            return self.revision
        if sha256 in self.others:
            return f"{self.revision} ({self.others[sha256]})"
        raise DataRefused(
            f"this is not {self.name} at revision {self.revision}: its sha256 is {sha256} and "
            f"should be {self.sha256}. Fetch {self.url}, or run it as a set of your own"
        )


def spread(tasks: Sequence[Task], most: int) -> list[Task]:
    """As many tasks, taken from the domains in turn, in the order of the set."""
    queues: dict[str, list[Task]] = {}
    for task in tasks:
        queues.setdefault(task.domain, []).append(task)
    picked: list[Task] = []
    while len(picked) < min(most, len(tasks)):
        for queue in queues.values():
            if queue and len(picked) < most:
                picked.append(queue.pop(0))
    order = {task.id: place for place, task in enumerate(tasks)}
    return sorted(picked, key=lambda task: order[task.id])
