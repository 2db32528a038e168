"""Start and stop the watchdog of one pool."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import langgraph_fusion
from langgraph_fusion.sandbox.docker.engine import CONTEXT

log = logging.getLogger(__name__)

# How to reach the engine, and nothing else: the environment holds API keys.
PASSED_ON = (
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "HOME",
    "PATH",
    "SSH_AUTH_SOCK",
)
END_WITHIN_S = 5


class Watchdog:
    """Watches over the pool from its making until `release`. Everything here blocks."""

    def __init__(self, run_id: str, pool: str) -> None:
        package_root = str(Path(str(langgraph_fusion.__file__)).parent.parent)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(CONTEXT / "docker" / "watchdog.py")),
                    *(run_id, pool, package_root, *sys.path),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                start_new_session=True,  # Ctrl-C in the terminal is not meant for it
                cwd="/",
            )
        except OSError as error:  # the reaper stands behind it
            log.warning("no watchdog for this run: %r", error)

    def release(self, *, cleaned_up: bool) -> None:
        """Stop the watchdog; if the pool was not cleaned up, it does so now."""
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(OSError):
            if cleaned_up:
                self._process.stdin.write(b".")
            self._process.stdin.close()
        if cleaned_up:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_WITHIN_S)
                return
        # It works on, and must not become a zombie.
        threading.Thread(target=self._process.wait, daemon=True).start()
