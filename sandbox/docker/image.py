"""Build and remove the sandbox image; used by the command line, not by a run."""

import asyncio
import io
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from docker import DockerClient
from docker.errors import DockerException

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.docker.engine import (
    CONTEXT,
    HASH_LABEL,
    IMAGE_FILES,
    START_ENGINE,
    connect,
    image_hash,
)
from langgraph_fusion.sandbox.docker.engine_errors import ENGINE_ERRORS, unavailable
from langgraph_fusion.sandbox.docker.reaper import reap
from langgraph_fusion.sandbox.owned_directories import remove_abandoned
from langgraph_fusion.sandbox.settings import SandboxSettings


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
