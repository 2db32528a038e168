"""Take runs out of DBOS's queue, in DBOS's own transactions, one at a time.

Of those that wait the highest priority is next, then whoever has the fewest at work, then the
oldest. What makes a run a worker's own, within the limits of all workers, is DBOS: its claim, its
owner, its recovery. Its loop is not used: that looks at intervals, and takes as many runs of a key
as fit before it looks at another; nor its execution of steps, whose writes a stream's first event
would wait for, and which the journal makes good for.

Uses what DBOS 3.4 keeps to itself: methods of its `SystemDatabase`. All of it blocks.
"""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from dbos import DBOSClient, Queue

_QUEUED, _AT_WORK = "ENQUEUED", "PENDING"
_LOCK = "BEGIN IMMEDIATE"


@dataclass(frozen=True)
class Places:
    """Where runs wait and how many may be at work, under the names that DBOS reads."""

    name: str
    _concurrency: int | None
    """Of all workers."""
    _partition_concurrency: int | None
    """Of one client, on all workers."""
    _worker_concurrency: int = 1
    """A claim is of one run; its worker counts its own."""
    _partition_worker_concurrency: None = None
    _limiter: None = None
    _partition_limiter: None = None


class Work(NamedTuple):
    """A run that is this worker's now."""

    id: str
    owner: str


class _Waiting(NamedTuple):
    """The runs of one client in the queue, as they are compared."""

    priority: int
    at_work: int
    oldest: int
    client: str


class Dequeuer:
    """The claims of one worker."""

    def __init__(self, client: "DBOSClient", places: Places, worker: str, version: str) -> None:
        self._system = client._sys_db
        _lock_before_counting(client)
        self._places = places
        self._worker = worker
        self._version = version

    def take(self) -> Work | None:
        """Make the next run this worker's own; None if none may begin.

        Raises:
            Contended: If another worker has just taken one.
        """
        for one in sorted(self._waiting()):
            most = self._places._partition_concurrency
            may_begin = most is None or one.at_work < most
            if may_begin and (work := self._claim(one.client)):
                return work
        return None

    def is_empty(self) -> bool:
        return not self._waiting()

    def done(self, work: Work) -> None:
        """Write down that nothing is left to do of a run, unless others have it now."""
        self._system.update_workflow_outcome(work.id, "SUCCESS", owner_xid=work.owner)

    def put_back(self, work_id: str, worker: str | None = None) -> bool:
        """Have a run taken again that a worker (by default this one) has: False if it has not."""
        workers = [worker or self._worker]
        return self._system.reenqueue_for_recovery(work_id, workers, self._places.name)

    def of(self, worker: str | None = None) -> set[str]:
        """What the database says that a worker has, by default this one."""
        found = self._system.get_pending_workflows(worker or self._worker, self._version)
        return {one.workflow_id for one in found}

    def _waiting(self) -> list[_Waiting]:
        import sqlalchemy as sa

        status = self._system.tables.workflow_status
        queued = status.c.status == _QUEUED
        query = (
            sa.select(
                status.c.queue_partition_key,
                sa.func.min(sa.case((queued, status.c.priority))),
                sa.func.sum(sa.case((queued, 0), else_=1)),
                sa.func.min(sa.case((queued, status.c.created_at))),
            )
            .where(status.c.queue_name == self._places.name)
            .where(status.c.status.in_((_QUEUED, _AT_WORK)))
            .where(status.c.queue_partition_key.isnot(None))
            .group_by(status.c.queue_partition_key)
        )
        with self._system.engine.connect() as connection:
            rows = connection.execute(query).fetchall()
        return [
            _Waiting(priority, at_work, oldest, client)
            for client, priority, at_work, oldest in rows
            if oldest is not None
        ]

    def _claim(self, client: str) -> Work | None:
        from sqlalchemy.exc import DBAPIError

        owner = uuid.uuid4().hex
        try:
            claimed, _ = self._system.start_queued_workflows(
                cast("Queue", self._places), self._worker, self._version, client,
                owner_xid=owner, is_latest_version=False,
            )  # fmt: skip
        except DBAPIError as error:
            system = self._system
            if system.is_lock_conflict(error) or system.is_serialization_conflict(error):
                raise Contended from error
            raise
        return Work(claimed[0], owner) if claimed else None


def _lock_before_counting(client: "DBOSClient") -> None:
    """On SQLite, begin each transaction with the lock for writing.

    `sqlite3` by itself begins one at the first change, so that two workers count what is at work
    before either takes the last place. PostgreSQL has its levels of isolation for that.
    """
    from sqlalchemy import event

    engine = client._sys_db.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(_LOCK))


class Contended(Exception):
    """Another worker was at the queue at the same moment."""
