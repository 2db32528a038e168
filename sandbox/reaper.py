"""Who owns a container, and what may be removed.

An owner is a process: its id and start time, which mean the same process only within one boot and
one pid namespace. Where there is no /proc the owner is unknown, and only the expiry counts.
"""

import contextlib
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from langgraph_fusion.sandbox.engine import ENGINE_ERRORS

if TYPE_CHECKING:
    from docker import DockerClient

log = logging.getLogger(__name__)

LABEL = "langgraph-fusion.sandbox"
EXPIRY_GRACE_S = 60


def owner_labels(run_id: str, member: str, lifetime_s: int, pool: str = "") -> dict[str, str]:
    """Labels of a container; `pool` tells those of a run from those of its resumption."""
    return {
        LABEL: "1",
        f"{LABEL}.run": run_id,
        f"{LABEL}.pool": pool,
        f"{LABEL}.member": member,
        f"{LABEL}.pid": str(os.getpid()),
        f"{LABEL}.pidstart": process_start(str(os.getpid())) or "",
        f"{LABEL}.scope": owner_scope(),
        f"{LABEL}.expires": str(int(time.time()) + lifetime_s + EXPIRY_GRACE_S),
    }


def owner_scope() -> str:
    """Boot id and pid namespace, within which a process id is unambiguous; empty where unknown."""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot_id}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def process_start(pid: str) -> str | None:
    """Start of a process in clock ticks since boot: a recycled process id is not the owner."""
    if not pid.isdigit():
        return None
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()[19]


def is_orphan(labels: Mapping[str, str]) -> bool:
    """Whether a container has expired, or its owner is known to be gone."""
    scope = labels.get(f"{LABEL}.scope")
    if scope and scope == owner_scope():
        started = process_start(labels.get(f"{LABEL}.pid", ""))
        if started != labels.get(f"{LABEL}.pidstart"):
            return True
    expires = labels.get(f"{LABEL}.expires", "")
    return not expires.isdigit() or time.time() > int(expires)


def reap(client: "DockerClient") -> int:
    """Remove what dead owners left behind, and never a living owner's; say how many.

    Raises:
        DockerException, RequestException, OSError: If the engine does not list its containers.
    """
    return remove_where(client, f"{LABEL}=1", only_orphans=True)


def remove_pool(client: "DockerClient", pool: str) -> int:
    """Remove every container of one pool, started or not; say how many. Raises as `reap` does."""
    return remove_where(client, f"{LABEL}.pool={pool}", only_orphans=False)


def remove_where(client: "DockerClient", label: str, *, only_orphans: bool) -> int:
    removed = 0
    for found in client.api.containers(all=True, filters={"label": label}):
        if only_orphans and not is_orphan(found.get("Labels") or {}):
            continue
        with contextlib.suppress(*ENGINE_ERRORS):
            client.api.remove_container(found["Id"], force=True, v=True)
            removed += 1
    if removed:
        log.info("removed %d sandbox container(s) labelled %s", removed, label)
    return removed
