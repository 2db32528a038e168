"""How long `fusion serve` takes until it is ready for requests."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.startup.timed import cpu_s


def seconds_until_ready(env: Mapping[str, str]) -> tuple[float, float]:
    """Start a server, wait for `/readyz`, end it: seconds until it was ready, and CPU in all.

    Raises:
        RuntimeError: If it ends before.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("fusion")), "serve", "--port", str(port)]
    before, began = cpu_s(), time.monotonic()
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        while not _is_ready(port):
            if process.poll() is not None:
                raise RuntimeError(f"fusion serve ended with exit code {process.returncode}")
            time.sleep(0.01)
        ready_s = time.monotonic() - began
    finally:
        process.terminate()
        process.wait()
    return ready_s, cpu_s() - before


def _is_ready(port: int) -> bool:
    with contextlib.suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{port}/readyz"):
        return True
    return False
