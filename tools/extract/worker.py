"""The child process that reads what may be hostile: one request after the other, within limits.

Started by `processes.py`. A request is two lengths (4 and 8 bytes), a JSON header and the bytes of
the file; a reply is a length and JSON. It ends when its input does, when nothing was asked for
a while, or when a file has made it large: the next request then gets a new one.

Not covered: what a parser that is taken over could do as this user. The limits are of time and
memory only.
"""

import json
import os
import select
import struct
import sys
import time
from typing import IO, Any

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.extract.readers import read

MEMORY_BYTES = 1536 << 20
"""Address space of the process; Python with all parsers takes about 400 MiB of it."""
_IDLE_S = 60.0
_LARGE_KIB = 400 << 10
"""Resident size above which the process ends, so that its memory is given back."""


def main() -> None:
    """Serve requests from standard input until it ends."""
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no reply
    _limit_memory()
    while (request := _next(requests)) is not None:
        header, data = request
        _limit_cpu(header["timeout_s"])
        whole = json.dumps(_reply(header, data)).encode()
        replies.write(struct.pack(">Q", len(whole)) + whole)
        replies.flush()
        if _is_large():
            return


def _reply(header: dict[str, Any], data: bytes) -> dict[str, Any]:
    try:
        return read(header["kind"], data, header["options"]).as_json()
    except ToolFailure as failure:
        return {"reason": failure.reason, "message": failure.message}
    except MemoryError:
        return {"reason": "too_large", "message": "Reading it takes too much memory."}
    except Exception:  # noqa: BLE001 - a parser may raise anything over a broken file
        return {"reason": "unsupported_type", "message": "This file is damaged."}


def _next(requests: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    if sys.platform != "win32" and not select.select([requests], [], [], _IDLE_S)[0]:
        return None
    lengths = requests.read(12)
    if len(lengths) < 12:
        return None
    of_header, of_data = struct.unpack(">IQ", lengths)
    return json.loads(requests.read(of_header)), requests.read(of_data)


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    except (ValueError, OSError):  # macOS has no such limit
        return


def _limit_cpu(timeout_s: float) -> None:
    """End this process by the kernel if nobody is left to end it."""
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = int(time.process_time() + 2 * timeout_s) + 5
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _is_large() -> bool:
    if sys.platform != "linux":
        return False
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > _LARGE_KIB
