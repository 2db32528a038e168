"""Whether sandboxes can be started here, and what is missing: for `fusion doctor` and `/readyz`."""

import asyncio
from dataclasses import dataclass
from typing import Any

from docker import DockerClient

from langgraph_fusion.sandbox.auto import may_do_without_engine
from langgraph_fusion.sandbox.base import NoEngine, SandboxUnavailable
from langgraph_fusion.sandbox.docker.engine import (
    ANSWER_TIMEOUT_S,
    HASH_LABEL,
    HOLD_LIMITS,
    PODMAN_LACKS,
    START_ENGINE,
    connect,
    engine_info,
    engine_name,
    has_cpus,
    has_runtime,
    ignored_limits,
    image_hash,
    image_labels,
    is_local,
    is_podman,
)
from langgraph_fusion.sandbox.settings import BUILD_IMAGE, SandboxSettings
from langgraph_fusion.sandbox.socket_memory import NOT_HELD as SOCKETS_NOT_HELD
from langgraph_fusion.sandbox.socket_memory import may_limit_sockets

NOT_HELD = "not held:"
INSTALL_RUNTIME = "Install it and name it to the engine, or unset `runtime`."
WITHOUT_ENGINE = "Without an engine there is `sandbox.kind: bubblewrap`, which may hold less."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a sandbox needs."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    """What the operator can do about it; empty when all is well."""


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """Whether sandboxes can be started here, and what to do if not."""

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        return all(check.ok for check in self.checks)


async def status(settings: SandboxSettings) -> SandboxStatus:
    """Look at engine and image without changing anything. Never raises for what it looks at."""
    return await asyncio.to_thread(_status, settings)


def _status(settings: SandboxSettings) -> SandboxStatus:
    if settings.kind == "bubblewrap":
        return _bubblewrap_status(settings)
    try:
        client = connect(timeout_s=ANSWER_TIMEOUT_S)
    except NoEngine:
        return _status_without_engine(settings)
    try:
        info = engine_info(client)
        return SandboxStatus(
            (
                _engine_check(client, info, settings.runtime),
                _limits_check(info, settings.cpus),
                _image_check(client, settings.image),
            )
        )
    except SandboxUnavailable as error:
        return SandboxStatus((Check("engine", False, str(error), START_ENGINE),))
    finally:
        client.close()


def _status_without_engine(settings: SandboxSettings) -> SandboxStatus:
    """As a run would decide it, see `AutoBackend`."""
    without = "no Docker engine answers"
    if may_do_without_engine(settings):
        found = _bubblewrap_status(settings)
        if found.ready and NOT_HELD not in found.checks[-1].detail:
            instead = Check("engine", True, f"{without}; bubblewrap is used")
            return SandboxStatus((instead, *found.checks))
    fix = f"{START_ENGINE} {WITHOUT_ENGINE}"
    return SandboxStatus((Check("engine", False, without, fix),))


def _engine_check(client: DockerClient, info: dict[str, Any], runtime: str | None) -> Check:
    name = engine_name(client, info)
    if is_podman(client):
        return Check("engine", False, f"{name} is not used", PODMAN_LACKS)
    if runtime and not has_runtime(info, runtime):
        return Check("engine", False, f"{name} knows no runtime {runtime!r}", INSTALL_RUNTIME)
    return Check("engine", True, name)


def _bubblewrap_status(settings: SandboxSettings) -> SandboxStatus:
    """Start one and end it: whether namespaces can be had is not known before."""
    from langgraph_fusion.sandbox.bubblewrap.backend import BubblewrapBackend

    backend = BubblewrapBackend(settings)
    try:
        backend.open()
        backend.start("status", None).remove()
    except SandboxUnavailable as error:
        return SandboxStatus((Check("bubblewrap", False, str(error), "Or use Docker."),))
    finally:
        backend.close(cleaned_up=True)
    return SandboxStatus(
        (
            Check("bubblewrap", True, "starts"),
            Check("limits", True, _held(backend.not_held)),
        )
    )


def _held(not_held: str) -> str:
    return f"{NOT_HELD} {not_held}" if not_held else "memory, processes, CPU and files are enforced"


def _limits_check(info: dict[str, Any], cpus: float) -> Check:
    version = f"cgroup v{info.get('CgroupVersion', '?')}"
    if ignored := ignored_limits(info):
        fix = HOLD_LIMITS
        return Check("limits", False, f"{version}; ignored: {', '.join(ignored)}", fix)
    if not has_cpus(info, cpus):
        said = f"{version}; {info['NCPU']} CPU(s), `cpus` asks for {cpus:g}"
        return Check("limits", False, said, "Lower `cpus`.")
    said = f"{version}; memory, processes and CPU are enforced"
    if version == "cgroup v1" and not (is_local() and may_limit_sockets()):
        said += f"; {NOT_HELD} {SOCKETS_NOT_HELD}"
    return Check("limits", True, said)


def _image_check(client: DockerClient, image: str) -> Check:
    labels = image_labels(client, image)
    if labels is None:
        return Check("image", False, f"{image} is not built", BUILD_IMAGE)
    if labels.get(HASH_LABEL) != image_hash():
        return Check("image", False, f"{image} is out of date", BUILD_IMAGE)
    return Check("image", True, image)
