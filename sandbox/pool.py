"""The pool of a run's sandboxes: the engine is checked on entry, all are removed on exit."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from langgraph_fusion.sandbox.auto import AutoBackend
from langgraph_fusion.sandbox.backend import Backend
from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.calls import SupervisedContainer
from langgraph_fusion.sandbox.member_sandbox import MemberSandbox
from langgraph_fusion.sandbox.network.addresses import Resolver
from langgraph_fusion.sandbox.network.proxy import AllowListProxy
from langgraph_fusion.sandbox.network.proxy_request import Exclude
from langgraph_fusion.sandbox.owned_directories import remove_abandoned
from langgraph_fusion.sandbox.settings import SandboxSettings

log = logging.getLogger(__name__)

MIB = 1 << 20
SIMULTANEOUS_STARTS = 4
REAP_EVERY_S = 300
CLOSE_WITHIN_S = 30

T = TypeVar("T")
P = ParamSpec("P")


class SandboxPool:
    """The sandboxes of one run, for the length of an `async with` block.

    Entering connects, checks engine and image (never pulls one), and removes what dead owners left
    behind. Leaving removes every container of the run, also when cancelled, and also those whose
    creation is still under way.

    Args:
        settings: Limits, the same for every member.
        run_id: Label of the run's containers; unique among runs.
        members: How many sandboxes work at the same time.
        exclude: What commands may not fetch from `settings.allow_hosts`: domains, prefixes of
            URLs, or a function of a URL. Without allowed hosts there is no network to exclude from.
        resolve: How to find an allowed host's address; the default refuses all but public ones.

    Raises:
        SandboxUnavailable: On entering, if engine or image is missing or does not hold its limits.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        *,
        run_id: str,
        members: int,
        exclude: Exclude = (),
        resolve: Resolver | None = None,
    ) -> None:
        self.settings = settings
        self._exclude = exclude
        self._resolve = resolve
        self.creating = asyncio.Semaphore(SIMULTANEOUS_STARTS)
        self._max_threads = 2 * max(1, members) + 2
        self._threads: ThreadPoolExecutor | None = None
        self._opened = False
        self._backend = backend_of(settings, run_id, self._max_threads)
        self._reaping: asyncio.Task[None] | None = None
        self._closing = False
        self._sandboxes: list[MemberSandbox] = []

    async def __aenter__(self) -> Self:
        # Not asyncio's default executor, which has six threads on two cores.
        self._threads = ThreadPoolExecutor(self._max_threads, thread_name_prefix="sandbox")
        opening = self.in_thread(self._open)
        try:
            await asyncio.shield(opening)
        except BaseException:
            await to_the_end(self._close(opening))
            raise
        loop = asyncio.get_running_loop()  # a context of its own: ours holds the run's texts
        self._reaping = loop.create_task(self._reap_for_ever(), context=Context())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await to_the_end(self._close())

    @property
    def not_held(self) -> str:
        """Which limits this kind of sandbox does not hold, in words; empty if it holds all."""
        return self._backend.not_held

    @property
    def notice(self) -> str:
        """What the reader has to know about the kind of sandbox; empty if it is as expected."""
        return self._backend.notice

    def start(self, member: str) -> MemberSandbox:
        """A sandbox that starts in the background; its first call waits for it, or raises.

        Args:
            member: Label of the container.

        Raises:
            SandboxUnavailable: If the pool is not open.
        """
        if not self._opened or self._threads is None:
            raise SandboxUnavailable("The sandbox pool is closed.")
        sandbox = MemberSandbox(self, member)
        self._sandboxes.append(sandbox)
        return sandbox

    def in_thread(
        self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "asyncio.Future[T]":
        """Do blocking work in the pool's own threads.

        Raises:
            SandboxUnavailable: If the pool is closed.
        """
        if self._threads is None:
            raise SandboxUnavailable("The sandbox pool is closed.")
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._threads, partial(work, *args, **kwargs))

    def proxy(self) -> AllowListProxy | None:
        """One member's way out, not yet started; None when no host is allowed."""
        if not self.settings.allow_hosts:
            return None
        return AllowListProxy(
            self.settings.allow_hosts,
            exclude=self._exclude,
            max_bytes=self.settings.max_download_mb * MIB,
            resolve=self._resolve,
        )

    def start_container(self, member: str, proxy_directory: str | None) -> SupervisedContainer:
        """Start one member's container and check its locks; blocks.

        Raises:
            SandboxUnavailable: If it does not start or is not locked as asked, or the pool closes.
        """
        self._check_open()
        container = self._backend.start(member, proxy_directory)
        try:
            self._check_open()
        except BaseException:
            container.remove()
            raise
        return container

    def _check_open(self) -> None:
        if self._closing or not self._opened:
            raise SandboxUnavailable("The sandbox pool is closed.")

    def _open(self) -> None:
        remove_abandoned()
        self._backend.open()
        self._opened = True

    async def _reap_for_ever(self) -> None:
        while self._opened:
            await asyncio.sleep(REAP_EVERY_S)
            with contextlib.suppress(SandboxUnavailable):
                await self.in_thread(self._backend.reap)

    async def _close(self, opening: "asyncio.Future[None] | None" = None) -> None:
        if opening is not None:
            await asyncio.wait([opening])
        if self._reaping is not None:
            self._reaping.cancel()
        cleaned_up = False
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                cleaned_up = await self._remove_everything()
        except TimeoutError:
            log.warning("sandboxes could not be removed in time; their life-lines are closed")
        await self._let_go(cleaned_up)

    async def _remove_everything(self) -> bool:
        self._closing = True
        for sandbox in self._sandboxes:
            sandbox.hang_up()  # all of them, before the engine is asked anything
        await asyncio.gather(*(sandbox.close() for sandbox in self._sandboxes))
        return await self.in_thread(self._backend.remove_all)

    async def _let_go(self, cleaned_up: bool) -> None:
        self._opened = False
        await self.in_thread(partial(self._backend.close, cleaned_up=cleaned_up))
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)


def backend_of(settings: SandboxSettings, run_id: str, max_calls: int) -> Backend:
    """What starts the containers; only the kind that is used is loaded."""

    def bubblewrap() -> Backend:
        from langgraph_fusion.sandbox.bubblewrap.backend import BubblewrapBackend

        return BubblewrapBackend(settings)

    if settings.kind == "bubblewrap":
        return bubblewrap()
    from langgraph_fusion.sandbox.docker.backend import DockerBackend

    pool_id = secrets.token_hex(8)
    docker = DockerBackend(settings, run_id=run_id, pool_id=pool_id, max_calls=max_calls)
    return docker if settings.kind == "docker" else AutoBackend(settings, docker, bubblewrap)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await to the end, shielded; a cancellation meanwhile is raised afterwards."""
    task = asyncio.get_running_loop().create_task(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
