"""Build, remove and look at the sandbox image; used by the command line, not by a run."""

import asyncio
import io
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from docker import DockerClient
from docker.errors import DockerException

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.engine import (
    ANSWER_TIMEOUT_S,
    BUILD_IMAGE,
    CONTEXT,
    HASH_LABEL,
    IMAGE_FILES,
    PODMAN_LACKS,
    START_ENGINE,
    connect,
    engine_info,
    engine_name,
    has_cpus,
    ignored_limits,
    image_hash,
    image_labels,
    is_podman,
)
from langgraph_fusion.sandbox.engine_errors import ENGINE_ERRORS, unavailable
from langgraph_fusion.sandbox.owned_directories import remove_abandoned
from langgraph_fusion.sandbox.reaper import reap
from langgraph_fusion.sandbox.settings import SandboxSettings

WITHOUT_ENGINE = "Without an engine there is `sandbox.kind: bubblewrap`, which holds less."


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


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed."""

    containers: int
    images: int


async def build(settings: SandboxSettings, log: Callable[[str], None]) -> None:
    """Build `settings.image` from the shipped Dockerfile; fetches its base and packages.

    Args:
        settings: Names the image.
        log: Gets each line the engine prints.

    Raises:
        SandboxUnavailable: If no engine answers or the build fails.
    """
    loop = asyncio.get_running_loop()

    def log_from_thread(line: str) -> None:
        loop.call_soon_threadsafe(log, line)

    await asyncio.to_thread(_build, settings.image, log_from_thread)


async def prune(*, images: bool = False) -> Pruned:
    """Remove containers whose owner is gone and, if asked, every image built for sandboxes.

    Raises:
        SandboxUnavailable: If no engine answers.
    """
    return await asyncio.to_thread(_prune, images)


async def status(settings: SandboxSettings) -> SandboxStatus:
    """Look at engine and image without changing anything. Never raises for what it looks at."""
    return await asyncio.to_thread(_status, settings)


def _build(image: str, log: Callable[[str], None]) -> None:
    client = connect()
    try:
        # Our own context, so that nothing else of the folder is sent.
        lines = client.api.build(
            fileobj=_context(),
            custom_context=True,
            tag=image,
            rm=True,
            forcerm=True,
            decode=True,
            labels={HASH_LABEL: image_hash()},
        )
        _follow(lines, log)
    except ENGINE_ERRORS as error:
        raise unavailable("The image could not be built", error) from error
    finally:
        client.close()


def _context() -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in IMAGE_FILES:
            archive.add(CONTEXT / name, arcname=name)
    packed.seek(0)
    return packed


def _follow(lines: Iterable[dict[str, Any]], log: Callable[[str], None]) -> None:
    for line in lines:
        if "error" in line:
            raise DockerException(str(line["error"]).strip())
        if text := str(line.get("stream", "")).strip():
            log(text)


def _prune(images: bool) -> Pruned:
    client = connect()
    try:
        remove_abandoned()
        return Pruned(reap(client), _remove_images(client) if images else 0)
    except ENGINE_ERRORS as error:
        raise SandboxUnavailable(f"The Docker engine does not answer. {START_ENGINE}") from error
    finally:
        client.close()


def _remove_images(client: DockerClient) -> int:
    found = client.images.list(filters={"label": HASH_LABEL})
    for image in found:
        client.images.remove(str(image.id), force=True)
    return len(found)


def _status(settings: SandboxSettings) -> SandboxStatus:
    if settings.kind == "bubblewrap":
        return _bubblewrap_status(settings)
    try:
        client = connect(timeout_s=ANSWER_TIMEOUT_S)
    except SandboxUnavailable:
        fix = f"{START_ENGINE} {WITHOUT_ENGINE}"
        return SandboxStatus((Check("engine", False, "no Docker engine answers", fix),))
    try:
        info = engine_info(client)
        return SandboxStatus(
            (
                _engine_check(client, info),
                _limits_check(info, settings.cpus),
                _image_check(client, settings.image),
            )
        )
    except SandboxUnavailable as error:
        return SandboxStatus((Check("engine", False, str(error), START_ENGINE),))
    finally:
        client.close()


def _engine_check(client: DockerClient, info: dict[str, Any]) -> Check:
    name = engine_name(client, info)
    if is_podman(client):
        return Check("engine", False, f"{name} is not used", PODMAN_LACKS)
    return Check("engine", True, name)


def _bubblewrap_status(settings: SandboxSettings) -> SandboxStatus:
    """Start one and end it: whether namespaces can be had is not known before."""
    from langgraph_fusion.sandbox.bubblewrap.backend import NOT_HELD, BubblewrapBackend

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
            Check("limits", True, f"processes and time; not held: {NOT_HELD}"),
        )
    )


def _limits_check(info: dict[str, Any], cpus: float) -> Check:
    version = f"cgroup v{info.get('CgroupVersion', '?')}"
    if ignored := ignored_limits(info):
        fix = "Run the engine as root, or use a host with cgroup v2."
        return Check("limits", False, f"{version}; ignored: {', '.join(ignored)}", fix)
    if not has_cpus(info, cpus):
        said = f"{version}; {info['NCPU']} CPU(s), `cpus` asks for {cpus:g}"
        return Check("limits", False, said, "Lower `cpus`.")
    return Check("limits", True, f"{version}; memory, processes and CPU are enforced")


def _image_check(client: DockerClient, image: str) -> Check:
    labels = image_labels(client, image)
    if labels is None:
        return Check("image", False, f"{image} is not built", BUILD_IMAGE)
    if labels.get(HASH_LABEL) != image_hash():
        return Check("image", False, f"{image} is out of date", BUILD_IMAGE)
    return Check("image", True, image)
