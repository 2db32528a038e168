"""The arguments of a container: every restriction that it has."""

from typing import Any

from docker.types import LogConfig, Mount, Ulimit

from langgraph_fusion.sandbox.seccomp import seccomp_profile
from langgraph_fusion.sandbox.settings import SHM_MB, SandboxSettings

MIB = 1 << 20
# Process 1 is another user than the commands: they can neither kill it nor write to its output.
MAIN_UID = 65534
MAIN_USER = f"{MAIN_UID}:{MAIN_UID}"
STATE_MB = 8
STATE_FILES = 1000
OPEN_FILES = 1024
NOTHING = "ro,noexec,nosuid,nodev,mode=0555,size=4k,nr_inodes=1"
# Below a directory that only process 1's user may enter.
PROXY_DIRECTORY = "/run/proxy/socket"
# Fixed: nothing a model says ever becomes an argument of an exec.
SUPERVISOR = ("/opt/sbx/sbx", "-I", "-S", "/opt/sbx/run")
FORWARDER = ("/opt/sbx/sbx", "-I", "-S", "/opt/sbx/forward")


def container_flags(
    settings: SandboxSettings, labels: dict[str, str], proxy_directory: str | None = None
) -> dict[str, Any]:
    """Arguments of `containers.create` for one sandbox.

    Args:
        settings: The limits.
        labels: Who owns the container.
        proxy_directory: Directory of this host with the allow-list proxy's socket; the only thing
            of the host that a container can see, read-only.
    """
    flags = {
        "image": settings.image,
        "entrypoint": [],
        "command": ["timeout", "-k", "5", str(settings.max_lifetime_s), "cat"],
        "working_dir": "/work",
        "hostname": "sandbox",
        "environment": {},
        "stdin_open": True,  # with the attached socket: the life-line
        "auto_remove": True,
        "init": True,
        "tty": False,
        "healthcheck": {"test": ["NONE"]},
        "log_config": LogConfig(type="none"),
        "labels": labels,
        **isolation_flags(),
        **limit_flags(settings),
    }
    if settings.runtime:
        flags["runtime"] = settings.runtime
    if proxy_directory:
        mount = Mount(PROXY_DIRECTORY, proxy_directory, type="bind", read_only=True)
        flags["mounts"] = [mount]
    return flags


def isolation_flags() -> dict[str, Any]:
    """No network, no privilege, few system calls, nothing to write to but tmpfs."""
    return {
        "user": MAIN_USER,
        "use_config_proxy": False,  # the default copies proxy settings, perhaps with credentials
        "network_mode": "none",
        "ipc_mode": "private",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true", f"seccomp={seccomp_profile()}"],
    }


def limit_flags(settings: SandboxSettings) -> dict[str, Any]:
    """Memory, processes, CPU, disk and open files; no `nproc`, which counts per uid host-wide."""
    memory = settings.memory_mb * MIB
    return {
        "mem_limit": memory,
        "memswap_limit": memory,
        "pids_limit": settings.max_processes,
        "nano_cpus": round(settings.cpus * 1e9),
        "oom_score_adj": 500,
        "shm_size": SHM_MB * MIB,
        "tmpfs": {
            "/work": tmpfs(settings.work_mb, settings.max_files),
            "/tmp": tmpfs(settings.tmp_mb, settings.max_files),
            "/run/sbx": tmpfs(STATE_MB, STATE_FILES),
            # In place of the engine's own: terminals are counted for the whole host, and message
            # queues outlive the processes of a restart.
            "/dev/pts": NOTHING,
            "/dev/mqueue": NOTHING,
        },
        "ulimits": [
            # 1 and not 0: where the host pipes cores into a program, the kernel starts it for 0 as
            # well, and for 1 it does not (fs/coredump.c).
            Ulimit(name="core", soft=1, hard=1),
            Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES),
        ],
    }


def tmpfs(size_mb: int, files: int) -> str:
    size = size_mb * MIB
    # Open to all in the container: Podman takes no `uid=`, and a command cannot close what it does
    # not own.
    return f"rw,exec,nosuid,nodev,mode=1777,size={size},nr_inodes={files}"
