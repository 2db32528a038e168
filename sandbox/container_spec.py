"""What the engine is asked for: every lock a container has."""

import math
from typing import Any

from docker.types import LogConfig, Mount, Ulimit

from langgraph_fusion.sandbox.settings import SHM_MB, SandboxSettings

MIB = 1 << 20
# Process 1 is another user than the commands: they can neither kill it nor write to its output.
MAIN_USER = "65534:65534"
COMMAND_USER = "1000:1000"
STATE_MB = 8
STATE_FILES = 1000
OPEN_FILES = 1024
PROXY_DIRECTORY = "/run/proxy"
PROXY_PORT = 3128
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
    """No network, no privilege, nothing to write to but tmpfs; the seccomp filter stays."""
    return {
        "user": MAIN_USER,
        "use_config_proxy": False,  # the default copies proxy settings, perhaps with credentials
        "network_mode": "none",
        "ipc_mode": "private",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
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
        },
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES),
        ],
    }


def tmpfs(size_mb: int, files: int) -> str:
    size = size_mb * MIB
    return f"rw,exec,nosuid,nodev,uid=1000,gid=1000,mode=0700,size={size},nr_inodes={files}"


def command_environment(settings: SandboxSettings) -> dict[str, str]:
    """The variables a fresh sandbox starts with."""
    threads = str(max(1, math.ceil(settings.cpus)))  # libraries would count the host's cores
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/work",
        "USER": "sandbox",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "PYTHONUNBUFFERED": "1",
        "DEBIAN_FRONTEND": "noninteractive",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp/.matplotlib",
        "XDG_CACHE_HOME": "/tmp/.cache",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
    }
    if settings.allow_hosts:
        address = f"http://127.0.0.1:{PROXY_PORT}"
        for name in ("http_proxy", "https_proxy"):
            variables |= {name: address, name.upper(): address}
        variables |= {"no_proxy": "localhost,127.0.0.1"}
    return variables
