"""Python in a mount namespace of its own, where a part of this machine is missing."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHOUT_ENGINE = "[ ! -e /run/docker.sock ] || mount --bind /dev/null /run/docker.sock"
WITHOUT_BWRAP = 'mount --bind /dev/null "$(command -v bwrap)"'
WITHOUT_GROUPS = "mount -t tmpfs none /sys/fs/cgroup"


def python_without(*missing: str, code: str, **environment: str) -> str:
    """What the code prints, after shell commands that take something away from it."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("mounting needs root")
    shell = "; ".join(["set -e", *missing, 'exec "$@"'])
    kept = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    ended = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", shell, "sh"),
            *(sys.executable, "-c", textwrap.dedent(code)),
        ],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
