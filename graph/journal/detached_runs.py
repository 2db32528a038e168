"""Runs that go on without their client's connection: whose they are, their events, their orders.

Namespaces: `langgraph_fusion/detached` a head of every such run or response;
`langgraph_fusion/events/<id>` its numbered events, from 1; `langgraph_fusion/orders` what clients
have asked of runs that another process works on, `langgraph_fusion/replies` what
workers say to it. All of it goes when the run is deleted.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Sequence
from typing import Literal, NamedTuple

from langgraph.store.base import BaseStore, Item, PutOp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.entries import Json
from langgraph_fusion.graph.journal.journal import as_text
from langgraph_fusion.graph.journal.stored_index import in_index, not_in_index
from langgraph_fusion.graph.journal.stores.claim import CLAIM, Claim, silent_s
from langgraph_fusion.graph.journal.stores.claiming_store import claiming
from langgraph_fusion.graph.journal.stores.heartbeat import Heartbeat
from langgraph_fusion.graph.journal.stores.owner import Owner
from langgraph_fusion.graph.journal.stores.write_batcher import StoreWriter

Status = Literal["queued", "running", "finished", "failed", "cancelled", "interrupted"]
ENDED = frozenset({"finished", "failed", "cancelled", "interrupted"})
_HEADS = ("langgraph_fusion", "detached")
_ORDERS = ("langgraph_fusion", "orders")
_REPLIES = ("langgraph_fusion", "replies")
_ORDER_MINUTES = 5.0
"""An order that no process took by then is for a run that nobody works on."""
PAGE = 64
"""Events that are read at once."""
_ALL = 1_000_000
NEWEST = 1000
"""Runs of a client that a list is made of; older ones are found by their ids."""


class Head(BaseModel):
    """A run, or a response that a run answers, as far as a client that comes back has to know."""

    model_config = ConfigDict(frozen=True)

    id: str
    """The run's id, or the response's."""
    run_id: str
    client: str | None = None
    """Who alone may see it; None where nobody has to say who he is."""
    status: Status = "queued"
    created_at: float = Field(default_factory=time.time)
    """Seconds of the epoch."""
    preset: str = ""
    model: str = ""
    """As the client wrote it."""
    question: str = ""
    """How it begins."""
    seconds: float | None = None
    cost_usd: float | None = None
    error: Json | None = None
    """What a client is told of a failure."""
    last_event: int = 0
    """Number of the last event when the run ended."""
    response: Json | None = None
    """The response before anything had happened, where this is one."""
    reply: Json | None = None
    """What another process has to know to go on with a response; None if none can."""
    owner: Owner = Field(default_factory=Owner.me)
    silent_s: float = Field(default=0.0, exclude=True)
    """How long ago the owner last said that it works on it, when this was read."""

    @property
    def now(self) -> Status:
        """The status; of a process that died without a word the run is interrupted."""
        if self.status in ENDED or self.owner.lives(self.silent_s):
            return self.status
        return "interrupted"


class StoredEvent(NamedTuple):
    """One event: its number, its type and its JSON."""

    number: int
    kind: str
    data: str


class Order(NamedTuple):
    """Something that a client asks of a run, through another process than the run's."""

    key: str
    run_id: str
    action: Json


class DetachedRuns:
    """The heads, events and orders in a store of runs."""

    def __init__(
        self, store: BaseStore, writer: StoreWriter, heartbeat: Heartbeat, ttl: float | None
    ) -> None:
        """`ttl` of events and responses is minutes; None keeps them until their run is deleted.

        Heads of runs stay until then: a list of past runs is made of them.
        """
        self._store = store
        self._claiming = claiming(store)
        self._writer = writer
        self._heartbeat = heartbeat
        self._ttl = ttl

    async def claim(self, head: Head) -> Claim:
        """Write a head as this process's own; the process before can then write nothing more.

        Raises:
            ConfigError: If another process works on it, or has just done the same.
        """
        item = await self._store.aget(_HEADS, head.id, refresh_ttl=False)
        before = _head(item, await self._claiming.now()) if item else None
        if before is not None and before.now not in ENDED:
            raise ConfigError(f"run {head.run_id} is under way")
        claim = Claim((_HEADS, head.id), head.run_id, begins=item is None)
        if item is None:
            put = self._head(head, claim)
            counted = in_index(head.id, head.client, put.ttl)
            await self._writer.write(put, counted, claim=claim)
        elif not await self._claiming.take(self._head(head, claim), item.value["text"]):
            raise ConfigError(f"run {head.run_id}: another process has just taken it over")
        self._heartbeat.add(claim)
        return claim

    def release(self, claim: Claim) -> None:
        """Say no more that this process works on it."""
        self._heartbeat.remove(claim)

    def write_head_later(self, head: Head, claim: Claim | None = None) -> None:
        """Begin to write a head; with a claim only if it is valid."""
        self._writer.soon(self._head(head, claim), claim=claim)

    async def head(self, id: str) -> Head | None:
        """None if there is none, or none that can be read."""
        item = await self._store.aget(_HEADS, id, refresh_ttl=False)
        return _head(item, await self._claiming.now()) if item else None

    async def heads(self, client: str | None, kind: str = "run") -> list[Head]:
        """The heads of this client that changed last, the newest first: `NEWEST` at most."""
        mine = {"client": client or "", "kind": kind}
        found = await self._store.asearch(_HEADS, filter=mine, limit=NEWEST, refresh_ttl=False)
        now = await self._claiming.now()
        heads = [head for item in found if (head := _head(item, now)) is not None]
        return sorted(heads, key=lambda head: head.created_at, reverse=True)

    async def unfinished(self) -> list[Head]:
        """The runs and responses of all clients that neither have ended nor were cancelled.

        Of the `NEWEST` of each that changed last.
        """
        found = []
        for kind in ("run", "response"):
            found += await self._store.asearch(
                _HEADS, filter={"kind": kind}, limit=NEWEST, refresh_ttl=False
            )
        now = await self._claiming.now()
        heads = [head for item in found if (head := _head(item, now)) is not None]
        return [head for head in heads if head.status in ("queued", "running", "interrupted")]

    def append(
        self, id: str, event: StoredEvent, claim: Claim | None = None
    ) -> "asyncio.Future[None]":
        """Begin to write an event; with a claim only if it is valid. Nobody has to wait for it."""
        value = {"kind": event.kind, "text": event.data}
        put = PutOp(_events(id), _key(event.number), value, False, self._ttl)
        return self._writer.soon(put, claim=claim)

    async def events(self, id: str, after: int) -> list[StoredEvent]:
        """Return the next events after this number, at most 64; lost ones are left out."""
        found = await self._claiming.following(_events(id), _key(after), PAGE)
        return [StoredEvent(int(key), one["kind"], one["text"]) for key, one in found]

    def order(self, run_id: str, action: Json) -> None:
        """Ask something of a run that another process works on; it looks twice a second."""
        self._writer.soon(self._order(run_id, action))

    async def ask(self, run_id: str, action: Json) -> str:
        """Do the same, and return once it can be seen: the order's key."""
        put = self._order(run_id, action)
        await self._writer.write(put)
        return put.key

    def _order(self, run_id: str, action: Json) -> PutOp:
        value = {"run": run_id, "text": as_text(action)}
        key = f"{time.time():017.6f}-{uuid.uuid4().hex}"
        ttl = _ORDER_MINUTES if self._ttl is not None else None
        return PutOp(_ORDERS, key, value, False, ttl)

    async def reply(self, order: Order, refused: Json) -> None:
        """Say that an order was carried out (empty), or why not; it is an order no more."""
        ttl = _ORDER_MINUTES if self._ttl is not None else None
        said = PutOp(_REPLIES, order.key, {"text": as_text(refused)}, False, ttl)
        await self._writer.write(said, PutOp(_ORDERS, order.key, None))

    async def take_reply(self, order: str) -> Json | None:
        """What was replied to an order, once; None if nothing was so far."""
        item = await self._store.aget(_REPLIES, order, refresh_ttl=False)
        if item is None:
            return None
        self._writer.soon(PutOp(_REPLIES, order, None))
        found: Json = json.loads(item.value["text"])
        return found

    async def withdraw(self, order: str) -> None:
        """Take back an order that nobody has carried out."""
        await self._writer.write(PutOp(_ORDERS, order, None))

    async def orders(self) -> list[Order]:
        """All orders that no process has taken, the oldest first."""
        found = await self._store.asearch(_ORDERS, limit=_ALL, refresh_ttl=False)
        orders = [Order(one.key, one.value["run"], json.loads(one.value["text"])) for one in found]
        return sorted(orders)

    def take(self, orders: Sequence[Order]) -> None:
        """Remove orders that were carried out."""
        self._writer.soon(*(PutOp(_ORDERS, one.key, None) for one in orders))

    async def removal(self, run_id: str) -> list[PutOp]:
        """Puts that remove the heads of a run and of its responses, with their events."""
        found = await self._store.asearch(
            _HEADS, filter={"run": run_id}, limit=_ALL, refresh_ttl=False
        )
        return [put for item in found for put in await self.removal_of(item.key)]

    async def removal_of(self, id: str) -> list[PutOp]:
        """Puts that remove the head of one run or response, with its events."""
        space = _events(id)
        stored = await self._store.asearch(space, limit=_ALL, refresh_ttl=False)
        events = [PutOp(space, one.key, None) for one in stored if one.namespace == space]
        return [PutOp(_HEADS, id, None), not_in_index(id), *events]

    def _head(self, head: Head, claim: Claim | None) -> PutOp:
        value = {
            "client": head.client or "",
            "kind": "run" if head.response is None else "response",
            "run": head.run_id,
            "text": as_text(head.model_dump(mode="json")),
        }
        if claim is not None:
            value[CLAIM] = claim.token
        ttl = None if head.response is None else self._ttl
        return PutOp(_HEADS, head.id, value, False, ttl)


def _head(item: Item, now: float) -> Head | None:
    try:
        found = json.loads(item.value["text"])
        return Head.model_validate(found | {"silent_s": silent_s(item, now)})
    except (KeyError, TypeError, ValueError, ValidationError):
        return None


def _events(id: str) -> tuple[str, ...]:
    return ("langgraph_fusion", "events", id)


def _key(number: int) -> str:
    return f"{number:09d}"
