"""Connect to a Docker engine, and refuse one that would not enforce what we ask of it."""

import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import docker
from docker.errors import ImageNotFound

from langgraph_fusion.sandbox.base import NoEngine, SandboxUnavailable
from langgraph_fusion.sandbox.docker.engine_errors import ENGINE_ERRORS
from langgraph_fusion.sandbox.settings import BUILD_IMAGE

START_TIMEOUT_S = 60
"""How long the engine may take to create, start, build or remove something."""
ANSWER_TIMEOUT_S = 10
"""How long it may take for everything else."""
REQUIRED_LIMITS = ("MemoryLimit", "PidsLimit", "CpuCfsQuota")
CONTEXT = Path(__file__).parents[1]
IMAGE_FILES = ("Dockerfile", "in_container/supervisor.py", "in_container/forwarder.py")
HASH_LABEL = "langgraph-fusion.sandbox.hash"
LOCAL_SOCKET = "/var/run/docker.sock"

START_ENGINE = "Start Docker, or set `DOCKER_HOST` to a running engine."
HOLD_LIMITS = (
    "Run the engine as root or, for one without root, use a host with cgroup v2 and have systemd "
    "delegate the controllers cpu, memory and pids to its user."
)
PODMAN_LACKS = (
    "Podman takes no limit for the number of files in memory (`nr_inodes`). "
    "Use Docker, or `sandbox.kind: bubblewrap`."
)


def connect(max_connections: int = 8, timeout_s: int = START_TIMEOUT_S) -> docker.DockerClient:
    """A client of the engine that `DOCKER_HOST` names, else of the local one.

    Raises:
        NoEngine: If none answers.
    """
    try:
        _somebody_listens()
        return docker.from_env(timeout=timeout_s, max_pool_size=max_connections)
    except ENGINE_ERRORS as error:
        raise NoEngine(f"No Docker engine answers. {START_ENGINE}") from error


def _somebody_listens() -> None:
    """Raise OSError if not: docker-py then leaks the socket with which it found out."""
    if is_local():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(ANSWER_TIMEOUT_S)
            probe.connect(engine_address().removeprefix("unix://"))


def is_local() -> bool:
    """Whether the engine shares our file system, as far as its address says."""
    return engine_address().startswith("unix://")


def engine_address() -> str:
    """Where the Docker client looks: it reads `DOCKER_HOST`, not `docker context`."""
    default = "npipe:////./pipe/docker_engine" if os.name == "nt" else f"unix://{LOCAL_SOCKET}"
    return os.environ.get("DOCKER_HOST") or default


def engine_info(client: docker.DockerClient) -> dict[str, Any]:
    """The engine's own description.

    Raises:
        SandboxUnavailable: If it does not answer.
    """
    try:
        info = client.info()
    except ENGINE_ERRORS as error:
        raise SandboxUnavailable(f"The Docker engine does not answer. {START_ENGINE}") from error
    if not isinstance(info, dict):
        raise SandboxUnavailable(f"The Docker engine does not answer as one. {START_ENGINE}")
    return info


def is_podman(client: docker.DockerClient) -> bool:
    """Whether it is Podman behind Docker's interface."""
    try:
        parts = [str(part.get("Name", "")) for part in client.version().get("Components") or []]
    except ENGINE_ERRORS:
        return False
    return "Podman Engine" in parts


def engine_name(client: docker.DockerClient, info: dict[str, Any]) -> str:
    """Name and version of the engine."""
    name = "Podman" if is_podman(client) else "Docker"
    return f"{name} {info.get('ServerVersion') or 'unknown'}"


def ignored_limits(info: dict[str, Any]) -> list[str]:
    """Limits this engine would accept and not enforce, as rootless Docker on cgroup v1 does."""
    return [name for name in REQUIRED_LIMITS if info.get(name) is not True]


def has_cpus(info: dict[str, Any], cpus: float) -> bool:
    """Whether the engine would start a container with that share; it refuses more than it has."""
    available = info.get("NCPU")
    return not isinstance(available, int) or not available or cpus <= available


def has_runtime(info: dict[str, Any], runtime: str) -> bool:
    """Whether the engine knows an OCI runtime of that name."""
    return runtime in (info.get("Runtimes") or {})


def maps_users(info: dict[str, Any]) -> bool:
    """Whether its containers' users are others outside, which leaves them few numbers inside."""
    options = info.get("SecurityOptions")
    return isinstance(options, list) and any(
        str(option).startswith(("name=userns", "name=rootless")) for option in options
    )


def check_kind(client: docker.DockerClient) -> None:
    """Refuse an engine that has Docker's interface but not all of its features.

    Raises:
        SandboxUnavailable: Naming what is missing.
    """
    if is_podman(client):
        raise SandboxUnavailable(PODMAN_LACKS)


def check_engine(info: dict[str, Any], runtime: str | None = None, cpus: float = 1.0) -> None:
    """Refuse an engine that does not enforce limits or lacks the wanted runtime or CPUs.

    Raises:
        SandboxUnavailable: Naming what is missing.
    """
    if ignored := ignored_limits(info):
        raise SandboxUnavailable(
            f"The Docker engine would silently ignore these limits: {', '.join(ignored)}. "
            f"{HOLD_LIMITS}"
        )
    if runtime and not has_runtime(info, runtime):
        raise SandboxUnavailable(
            f"The Docker engine knows no runtime {runtime!r}. Install it, or unset `runtime`."
        )
    if not has_cpus(info, cpus):
        raise SandboxUnavailable(
            f"The Docker engine has fewer CPUs ({info['NCPU']}) than `cpus` asks for ({cpus:g}). "
            "Lower `cpus`."
        )


def image_labels(client: docker.DockerClient, image: str) -> dict[str, str] | None:
    """The image's labels, None when the engine does not have it.

    Raises:
        SandboxUnavailable: If the engine does not answer.
    """
    try:
        found = client.images.get(image).attrs
        return dict((found.get("Config") or {}).get("Labels") or {})
    except ImageNotFound:
        return None
    except ENGINE_ERRORS as error:
        raise SandboxUnavailable(f"The Docker engine does not answer. {START_ENGINE}") from error


def image_hash() -> str:
    """The label of an image built from this version, as ensure_engine.sh computes it too."""
    content = b"".join((CONTEXT / name).read_bytes() for name in IMAGE_FILES)
    return hashlib.sha256(content).hexdigest()[:16]


def check_image(client: docker.DockerClient, image: str) -> None:
    """Refuse a missing image and one built for another version of the supervisor.

    Raises:
        SandboxUnavailable: Naming the image and the way out.
    """
    labels = image_labels(client, image)
    if labels is None:
        raise SandboxUnavailable(f"The sandbox image {image!r} is not built. {BUILD_IMAGE}")
    if labels.get(HASH_LABEL) != image_hash():
        raise SandboxUnavailable(f"The sandbox image {image!r} is out of date. {BUILD_IMAGE}")
