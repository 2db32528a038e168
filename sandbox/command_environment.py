"""The environment variables of commands."""

import math

from langgraph_fusion.sandbox.settings import SandboxSettings

PROXY_PORT = 3128


def command_environment(settings: SandboxSettings) -> dict[str, str]:
    """The variables a fresh sandbox starts with."""
    threads = str(max(1, math.ceil(settings.cpus)))  # libraries would count the host's cores
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/work",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        # /work belongs to no user: git asks before it works in somebody else's folder.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
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
