"""The kind of sandbox that is used when none is named: Docker, else bubblewrap if it holds all."""

import logging
import os
from collections.abc import Callable

from langgraph_fusion.sandbox.backend import Backend
from langgraph_fusion.sandbox.base import NoEngine, SandboxUnavailable
from langgraph_fusion.sandbox.calls import SupervisedContainer
from langgraph_fusion.sandbox.settings import DEFAULT_IMAGE, SandboxSettings

log = logging.getLogger(__name__)

IN_PLACE = (
    "No Docker engine answers: commands run in bubblewrap, which holds every limit here, with the "
    "programs of this machine."
)


class AutoBackend:
    """See `Backend`. Only where no engine answers, and none was asked for, is it not Docker."""

    def __init__(
        self,
        settings: SandboxSettings,
        docker: Backend,
        bubblewrap: Callable[[], Backend],
    ) -> None:
        self._settings = settings
        self._chosen = docker
        self._bubblewrap = bubblewrap
        self.notice = ""

    @property
    def not_held(self) -> str:
        return self._chosen.not_held

    def open(self) -> None:
        """Open Docker, or else bubblewrap.

        Raises:
            SandboxUnavailable: Docker's reason, if bubblewrap cannot take its place.
        """
        try:
            self._chosen.open()
        except NoEngine as error:
            if not may_do_without_engine(self._settings) or not self._open_bubblewrap():
                raise
            self.notice = IN_PLACE
            log.warning("%s (%s)", IN_PLACE, error)

    def _open_bubblewrap(self) -> bool:
        backend = self._bubblewrap()
        try:
            backend.open()
            if not backend.not_held:
                backend.start("trial", None).remove()
                self._chosen.close(cleaned_up=True)
                self._chosen = backend
                return True
        except SandboxUnavailable as error:
            log.info("bubblewrap cannot take Docker's place: %s", error)
        backend.close(cleaned_up=True)
        return False

    def start(self, member: str, proxy_directory: str | None) -> SupervisedContainer:
        """Start one member's container and check its locks."""
        return self._chosen.start(member, proxy_directory)

    def reap(self) -> None:
        """Remove what dead owners left behind."""
        self._chosen.reap()

    def remove_all(self) -> bool:
        """Remove every container of the pool."""
        return self._chosen.remove_all()

    def close(self, *, cleaned_up: bool) -> None:
        """Release everything."""
        self._chosen.close(cleaned_up=cleaned_up)


def may_do_without_engine(settings: SandboxSettings) -> bool:
    """Whether nothing was asked for that only an engine has."""
    own = settings.image != DEFAULT_IMAGE or settings.runtime or settings.allow_hosts
    return settings.kind == "auto" and not own and not os.environ.get("DOCKER_HOST")
