"""Tell other processes at once that there is something to look for in the store.

PostgreSQL passes a notice on to whoever listens (`LISTEN`, `NOTIFY`); what happened is read from
the store. A process notices that it hears nothing, behind a pooler or when the database has gone,
by its own notices, and then looks often instead; so does everybody on SQLite. A notice may get
lost, hence nobody relies on one: those who hear look as well, but seldom.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import AsyncConnection

QUEUED = "queued"
"""There is a run to do, or a place to do one."""
ORDERS = "orders"
"""Something is asked of a run."""
_CHANNEL = "langgraph_fusion"
_CHECK_S = 5.0
"""How often a process makes sure that it hears."""
_CONNECT_S = 5
_AGAIN_S = 1.0
_BYTES = 7000
"""Of one notice; PostgreSQL takes 8000."""
SELDOM_S = 1.0
"""How often whoever hears looks all the same."""
OFTEN_S = 0.05
"""How often whoever does not hear looks."""


def notices_at(engine: str) -> "Notices":
    """The notices of those who share this queue: a PostgreSQL, or a SQLite file without any."""
    return Notices(engine if "://" in engine else None)


def of_job(run_id: str) -> str:
    """Events of a run have been stored."""
    return f"events:{run_id}"


def of_cancelled(run_id: str) -> str:
    """A run was cancelled."""
    return f"cancelled:{run_id}"


def of_reply(order: str) -> str:
    """An order was carried out, or refused."""
    return f"reply:{order}"


class Heard:
    """What is told of one subject, to one who waits. Notices before the wait are not lost."""

    def __init__(self, notices: "Notices") -> None:
        self._notices = notices
        self._told = asyncio.Event()

    def tell(self) -> None:
        self._told.set()

    async def wait(self, otherwise_s: float = OFTEN_S) -> None:
        """Return when it is told, or when it is time to look; so often if nothing is heard."""
        patience = max(SELDOM_S, otherwise_s) if self._notices.hears else otherwise_s
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._told.wait()
        self._told.clear()


class Notices:
    """The notices of one process. For one event loop."""

    def __init__(self, url: str | None) -> None:
        """`url` is the PostgreSQL that all processes share; None where it is something else."""
        self.hears = False
        """Whether notices arrive here."""
        self._url = url
        self._me = f"hears:{uuid.uuid4().hex}"
        self._calls: dict[str, list[Callable[[], None]]] = {}
        self._untold: dict[str, None] = {}
        self._to_tell = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Notices"]:
        """Listen and tell for the length of the block; a database that is away is waited for."""
        if self._url is None:
            yield self
            return
        tasks = [asyncio.create_task(self._connected(one)) for one in (self._listen, self._send)]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def tell(self, subject: str) -> None:
        """Tell all processes, as soon as possible; what is told twice at once is told once."""
        if self._url is not None:
            self._untold[subject] = None
            self._to_tell.set()

    @contextmanager
    def listening(self, subject: str) -> Iterator[Heard]:
        """Hear of a subject for the length of the block."""
        heard = Heard(self)
        with self.calling(subject, heard.tell):
            yield heard

    @contextmanager
    def calling(self, subject: str, call: Callable[[], None]) -> Iterator[None]:
        """Call this whenever the subject is told, for the length of the block."""
        self._calls.setdefault(subject, []).append(call)
        try:
            yield
        finally:
            self._calls[subject].remove(call)
            if not self._calls[subject]:
                del self._calls[subject]

    async def _connected(self, work: "Callable[[AsyncConnection], Awaitable[None]]") -> None:
        from psycopg import AsyncConnection, Error

        assert self._url is not None
        while True:
            with suppress(Error, OSError):
                connection = await AsyncConnection.connect(
                    self._url,
                    autocommit=True,
                    connect_timeout=_CONNECT_S,
                    prepare_threshold=None,  # a pooler may change what is behind it
                )
                async with connection:
                    await work(connection)
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self, connection: "AsyncConnection") -> None:
        """Pass on what is heard, until not even the own notice is."""
        try:
            await connection.execute(f"listen {_CHANNEL}".encode())
            while await self._hear(connection):
                pass
        finally:
            self.hears = False
            self._call([*self._calls])  # whoever waits begins to look more often

    async def _hear(self, connection: "AsyncConnection") -> bool:
        """Pass on what is heard in the next seconds; whether the own notice was among it."""
        heard_me = False
        self.tell(self._me)
        async for notice in connection.notifies(timeout=_CHECK_S):
            subjects = notice.payload.split()
            if self._me in subjects:
                heard_me = self.hears = True
            self._call(subjects)
        return heard_me

    def _call(self, subjects: Sequence[str]) -> None:
        for subject in subjects:
            for call in list(self._calls.get(subject, ())):
                call()

    async def _send(self, connection: "AsyncConnection") -> None:
        while True:
            await self._to_tell.wait()
            payload = self._take()
            async with asyncio.timeout(_CHECK_S):
                await connection.execute("select pg_notify(%s, %s)", (_CHANNEL, payload))

    def _take(self) -> str:
        """Subjects that fit into one notice."""
        taken, size = list[str](), 0
        for subject in self._untold:
            size += len(subject.encode()) + 1
            if size > _BYTES:
                break
            taken.append(subject)
        for subject in taken:
            del self._untold[subject]
        if not self._untold:
            self._to_tell.clear()
        return " ".join(taken)
