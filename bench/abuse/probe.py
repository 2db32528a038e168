"""`fusion`, watched from inside: how late its event loop is, and what held it.

    python -m bench.abuse.probe FIGURES serve …    # the arguments of `fusion`

A timer of the loop says by how much it was late, and how much the loop's own thread computed
meanwhile: the rest it waited for another thread, or for a processor. A thread looks at the loop's
stack whenever it has computed for long. The figures are written when SIGUSR1 comes.
"""

import asyncio
import json
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from langgraph_fusion.cli.main import main

_EVERY_S = 0.02
_LONG_S = 0.03
_LOOK_S = 0.01
_SHOWN_FRAMES = 9


class Probe:
    """Watches the loop of the thread that makes it."""

    def __init__(self, figures: Path) -> None:
        self._figures = figures
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._turns: list[tuple[float, float]] = []
        self._stacks = Counter[str]()
        self._seen = time.monotonic()
        self._cpu = time.clock_gettime(self._clock)
        self._tick()
        threading.Thread(target=self._look, daemon=True).start()
        self._loop.add_signal_handler(signal.SIGUSR1, self._write)

    def _tick(self) -> None:
        now, cpu = time.monotonic(), time.clock_gettime(self._clock)
        self._turns.append((max(0.0, now - self._seen - _EVERY_S), cpu - self._cpu))
        self._seen, self._cpu = now, cpu
        self._loop.call_later(_EVERY_S, self._tick)

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            if time.clock_gettime(self._clock) - self._cpu > _LONG_S:
                self._stacks[_stack(sys._current_frames().get(self._thread))] += 1

    def _write(self) -> None:
        figures = {
            "lags_ms": [round(1000 * late, 1) for late, _ in self._turns],
            "own_work_ms": [round(1000 * own, 1) for _, own in self._turns],
            "stacks": self._stacks.most_common(25),
        }
        part = self._figures.with_suffix(".part")
        part.write_text(json.dumps(figures))
        part.rename(self._figures)


def _stack(frame: FrameType | None) -> str:
    lines = []
    while frame is not None and len(lines) < _SHOWN_FRAMES:
        code = frame.f_code
        if not code.co_filename.startswith("<frozen"):
            place = "/".join(Path(code.co_filename).parts[-2:])
            lines.append(f"{place}:{frame.f_lineno} {code.co_name}")
        frame = frame.f_back
    return " < ".join(lines)


def _watch_servers(figures: Path) -> None:
    serve: Any = uvicorn.Server.main_loop

    async def main_loop(self: uvicorn.Server) -> None:
        Probe(figures)
        await serve(self)

    uvicorn.Server.main_loop = main_loop  # type: ignore[method-assign]


if __name__ == "__main__":
    _watch_servers(Path(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
