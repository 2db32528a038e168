"""The buffers of sockets, which control groups of version 1 do not count as memory by themselves.

Version 2 does. No engine sets the limit of version 1 any more (runc ignores `KernelMemoryTCP` since
1.0.0-rc94), so we do, where we may write to the control groups of the engine's containers.
"""

import os
from pathlib import Path

MIB = 1 << 20
SOCKETS_MB = 64
"""On top of the memory's own limit, for one sandbox."""
MEMORY = Path("/sys/fs/cgroup/memory")
SOCKET_LIMIT = "memory.kmem.tcp.limit_in_bytes"
NOT_HELD = "memory of network buffers (control groups are of version 1 and not ours to write)"


def may_limit_sockets() -> bool:
    """Whether this process may write to this machine's control groups of version 1."""
    return (MEMORY / SOCKET_LIMIT).exists() and os.access(MEMORY, os.W_OK)


def limit_sockets(pid: int, container_id: str) -> bool:
    """Limit a container's socket buffers; say whether that was possible.

    Args:
        pid: Its first process, as the engine numbers it.
        container_id: Names its control group, so that no other's is touched.
    """
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        paths = [line.split(":", 2)[2] for line in lines if ":memory:" in line]
        if not paths or container_id not in paths[0]:
            return False
        limit = MEMORY / paths[0].lstrip("/") / SOCKET_LIMIT
        limit.write_text(str(SOCKETS_MB * MIB))
    except (OSError, IndexError):
        return False
    return True
