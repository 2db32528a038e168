"""Decide who owns a container, and what may be removed.

An owner is a process. Where it cannot be seen (another machine or container, no /proc, hidden by
the kernel) it is not taken for dead, and only the expiry counts.
"""

import contextlib
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from langgraph_fusion.sandbox.docker.engine_errors import ENGINE_ERRORS
from langgraph_fusion.sandbox.process_identity import ProcessIdentity, process_scope

if TYPE_CHECKING:
    from docker import DockerClient

log = logging.getLogger(__name__)

LABEL = "langgraph-fusion.sandbox"
EXPIRY_GRACE_S = 60


def owner_labels(run_id: str, member: str, lifetime_s: int, pool: str = "") -> dict[str, str]:
    """Labels of a container; `pool` tells those of a run from those of its resumption."""
    owner = ProcessIdentity.current()
    lifetime_s += EXPIRY_GRACE_S
    return {
        LABEL: "1",
        f"{LABEL}.run": run_id,
        f"{LABEL}.pool": pool,
        f"{LABEL}.member": member,
        f"{LABEL}.pid": str(owner.pid),
        f"{LABEL}.pidstart": owner.started,
        f"{LABEL}.scope": owner.scope,
        # Both clocks: the first can jump, the second means nothing after another boot.
        f"{LABEL}.expires": str(int(time.time()) + lifetime_s),
        f"{LABEL}.uptime": str(int(uptime()) + lifetime_s),
    }


def uptime() -> float:
    """Seconds since boot, suspended ones included; 0 where there is no such clock."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if clock is None else time.clock_gettime(clock)


def is_orphan(labels: Mapping[str, str]) -> bool:
    """Whether a container has expired, or its owner is known to be gone."""
    pid = labels.get(f"{LABEL}.pid", "")
    owner = ProcessIdentity(
        labels.get(f"{LABEL}.scope", ""),
        int(pid) if pid.isdecimal() and len(pid) < 10 else 0,
        labels.get(f"{LABEL}.pidstart", ""),
    )
    return owner.is_alive() is False or has_expired(labels, owner.scope)


def has_expired(labels: Mapping[str, str], scope: str) -> bool:
    end, now = labels.get(f"{LABEL}.expires", ""), time.time()
    same_boot = bool(scope) and scope.split("/")[0] == process_scope().split("/")[0]
    if same_boot and f"{LABEL}.uptime" in labels:
        end, now = labels[f"{LABEL}.uptime"], uptime()
    return not (end.isdecimal() and len(end) < 16) or now > int(end)


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
