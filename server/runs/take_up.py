"""Go on with runs whose server has died: those that were to outlive their client's connection."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.detached_runs import ENDED, Head
from langgraph_fusion.graph.journal.repository import RunRepository
from langgraph_fusion.server.errors import ApiError
from langgraph_fusion.server.keys.key import Key
from langgraph_fusion.server.logging import log_event
from langgraph_fusion.server.request_context import RequestContext
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from langgraph_fusion.server.runs.detached import DetachedRunManager
from langgraph_fusion.server.runs.detached_run import Translate, run_events
from langgraph_fusion.server.runs.managed_run import RunManager
from langgraph_fusion.server.runs.resume import stopped_request
from langgraph_fusion.server.runs.run_request import RunRequest

TakenUp = Callable[[Head, RunRequest, RunRepository], tuple[RunRequest, Translate]]
"""The request of a response that is gone on with, and what makes the events of its API."""


def _can_go_on(head: Head) -> bool:
    return head.response is None or head.reply is not None


class TakeUp:
    """Looks for interrupted runs and background responses in the store, and takes them up."""

    def __init__(
        self,
        manager: RunManager,
        detached: DetachedRunManager,
        policy: ClientPolicy,
        response: TakenUp,
    ) -> None:
        """`response` knows how to go on with a response."""
        self._manager = manager
        self._detached = detached
        self._policy = policy
        self._response = response
        self._left_alone = set[str]()

    async def keep_looking(self, store: RunRepository) -> None:
        """Look now, and then as often as it is known that a server has died."""
        while True:
            with suppress(Exception):  # a store that fails once is asked again
                await self._look(store)
            await asyncio.sleep(store.heartbeat.dead_after_s / 4)

    async def _look(self, store: RunRepository) -> None:
        for head in await store.detached.unfinished():
            if self._manager.shutdown.started:
                return
            if head.id in self._left_alone or head.now not in ENDED or not _can_go_on(head):
                continue
            try:
                await self._take_up(head, store)
            except ConfigError as error:  # its files or its texts are gone, or it is at work
                self._left_alone.add(head.id)
                log_event("run.left", run_id=head.run_id, why=str(error)[:200])
                await self._give_up(head, store)
            except ApiError:
                return  # the server is full, or the key has no money: later perhaps

    async def _take_up(self, head: Head, store: RunRepository) -> None:
        key = await self._key_of(head)
        door = "runs" if head.response is None else "responses"
        context = RequestContext(f"req_{uuid.uuid4().hex}", door, key)
        request = await stopped_request(head.run_id, store, head.client, self._policy)
        translate: Translate = run_events
        if head.response is not None:
            request, translate = self._response(head, request, store)
        run = await self._manager.start(request, context)
        fresh = head.model_copy(update={"status": "queued", "error": None})
        await self._detached.start(fresh, run, store, translate)
        log_event("run.taken_up", run_id=head.run_id)

    async def _give_up(self, head: Head, store: RunRepository) -> None:
        """Tell whoever waits for a response that it does not come; a run can be resumed by hand."""
        if head.response is None:
            return
        error = {"code": "server_stopping", "message": "the server that worked on this response "
                 "has stopped, and no other can go on with it; send the request again"}  # fmt: skip
        failed = head.model_copy(update={"status": "failed", "error": error})
        with suppress(ConfigError):  # it is at work
            await self._detached.end_interrupted(failed, store)

    async def _key_of(self, head: Head) -> Key | None:
        """The key that is charged.

        Raises:
            ConfigError: If it has been removed.
        """
        if head.client is None or self._manager.keys is None:
            if (head.client is None) != (self._manager.keys is None):
                raise ConfigError("it was asked with other keys")
            return None
        found = [key for key, _ in await self._manager.keys.all() if key.id == head.client]
        if not found:
            raise ConfigError("its key has been removed")
        return found[0]
