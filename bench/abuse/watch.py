"""Watch a server from a process of its own: how fast it says that it lives, and its memory."""

import http.client
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

_EVERY_S = 0.05
_UNTIL_S = 30.0


def main(port: int, pid: int) -> None:
    """Print one JSON line a sample until standard input ends: [milliseconds or null, MiB]."""
    import select

    while not select.select([sys.stdin], [], [], _EVERY_S)[0]:
        print(json.dumps([healthz_ms(port), memory_mib(pid)]), flush=True)


def healthz_ms(port: int) -> float | None:
    """Milliseconds of a request on a new connection; None if it had no answer."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_UNTIL_S)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz")
        if connection.getresponse().status == 200:
            return 1000 * (time.perf_counter() - began)
    connection.close()
    return None


def memory_mib(pid: int) -> float:
    """Resident memory of the process and of its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(_resident(one) for one in (str(pid), *children))


def _resident(pid: str) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
