"""Containers of a Docker engine, and the watchdog that outlives us."""

import contextlib

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.docker.container import Container, Engine
from langgraph_fusion.sandbox.docker.container_spec import container_flags
from langgraph_fusion.sandbox.docker.engine import (
    ANSWER_TIMEOUT_S,
    check_engine,
    check_image,
    check_kind,
    connect,
    engine_info,
    is_local,
    maps_users,
)
from langgraph_fusion.sandbox.docker.engine_errors import ENGINE_ERRORS
from langgraph_fusion.sandbox.docker.reaper import owner_labels, reap, remove_pool
from langgraph_fusion.sandbox.docker.watchdog_process import Watchdog
from langgraph_fusion.sandbox.private_uid import private_uid
from langgraph_fusion.sandbox.settings import SandboxSettings
from langgraph_fusion.sandbox.socket_memory import NOT_HELD, may_limit_sockets
from langgraph_fusion.sandbox.verify import check_locks, own_kernel


class DockerBackend:
    """See `Backend`.

    Args:
        settings: Limits, the same for every member.
        run_id: Label of the containers.
        pool_id: Tells these containers from those of the run's resumption.
        max_calls: How many calls of the engine there can be at the same time.
    """

    notice = ""

    def __init__(
        self, settings: SandboxSettings, *, run_id: str, pool_id: str, max_calls: int
    ) -> None:
        self._settings = settings
        self._run_id = run_id
        self._id = pool_id
        self._max_calls = max_calls
        self._engine: Engine | None = None
        self._watchdog: Watchdog | None = None
        self._maps_users = False
        self._limits_sockets = False
        self.not_held = ""

    def open(self) -> None:
        """Connect, check engine and image (never pull one), and remove what dead owners left."""
        quick = connect(self._max_calls, ANSWER_TIMEOUT_S)
        try:
            patient = connect(self._max_calls)
        except SandboxUnavailable:
            quick.close()
            raise
        self._engine = Engine(patient, quick)
        info = engine_info(quick)
        self._maps_users = maps_users(info)
        check_kind(quick)
        check_engine(info, self._settings.runtime, self._settings.cpus)
        check_image(quick, self._settings.image)
        if self._settings.allow_hosts and not is_local():
            raise SandboxUnavailable("`allow_hosts` needs an engine on this machine. Unset it.")
        if str(info.get("CgroupVersion")) == "1" and not own_kernel(self._settings):
            self._limits_sockets = is_local() and may_limit_sockets()
            self.not_held = "" if self._limits_sockets else NOT_HELD
        self.reap()
        self._watchdog = Watchdog(self._run_id, self._id)

    def start(self, member: str, proxy_directory: str | None) -> Container:
        """Start one member's container and check its locks."""
        if self._engine is None:
            raise SandboxUnavailable("The sandbox pool is closed.")
        labels = owner_labels(self._run_id, member, self._settings.max_lifetime_s, self._id)
        flags = container_flags(self._settings, labels, proxy_directory)
        container = Container.start(self._engine, flags, private_uid(mapped=self._maps_users))
        try:
            if self._limits_sockets:
                container.limit_sockets()
            if proxy_directory is not None:
                container.start_forwarder()
            check_locks(container, self._settings)
        except BaseException:
            container.remove()
            raise
        return container

    def reap(self) -> None:
        """Remove what dead owners left behind."""
        if self._engine is not None:
            with contextlib.suppress(*ENGINE_ERRORS):
                reap(self._engine.patient)

    def remove_all(self) -> bool:
        """Remove every container of the pool."""
        if self._engine is None or self._watchdog is None:
            return True
        try:
            remove_pool(self._engine.patient, self._id)
        except ENGINE_ERRORS:
            return False
        return True

    def close(self, *, cleaned_up: bool) -> None:
        """Release the watchdog, which cleans up if we could not, and the connections."""
        engine, watchdog = self._engine, self._watchdog
        self._engine = self._watchdog = None
        if watchdog is not None:
            watchdog.release(cleaned_up=cleaned_up)
        if engine is not None:
            engine.close()
