"""The command in real processes, forked from one that has imported everything once."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from langgraph_fusion.cli.main import main
from tests.cli.processes import ROOT, environment

_IMPORTED = (
    "langgraph_fusion.cli.commands.ask",
    "langgraph_fusion.cli.commands.resume",
    "langgraph_fusion.cli.display.live_view",
    "langgraph_fusion.cli.display.show_run",
    "langgraph_fusion.graph.api",
    "langgraph_fusion.graph.resume",
    "langchain_openai",
    "langgraph_fusion.graph.journal.stores.sqlite_store",
    "anyio._backends._asyncio",
    "httpcore2",
    "json_repair",
    "rich.live",
)
"""What a run imports late; together it is four fifths of a start's CPU time."""
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__, *_IMPORTED])


@dataclass
class Warm:
    """A command that runs; what it writes goes to two files."""

    process: ForkServerProcess
    out: Path
    said: Path

    def send(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.process.is_alive() and self.process.pid:
            os.kill(self.process.pid, number)

    async def ended(self) -> tuple[int | None, str, str]:
        """Wait for the end: exit code, output, what it said."""
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.process.sentinel, gone.set)
        await gone.wait()
        loop.remove_reader(self.process.sentinel)
        self.process.join()
        return self.process.exitcode, *self.written()

    def written(self) -> tuple[str, str]:
        """Output, and what it said."""
        out, said = (p.read_text() if p.exists() else "" for p in (self.out, self.said))
        return out, said


def fusion(
    *words: str,
    stdin: str = "",
    cwd: Path = ROOT,
    timeout_s: float = 60,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the command in a pipe until it ends, like `processes.run`."""
    with tempfile.TemporaryDirectory() as folder:
        warm = warm_fusion(Path(folder), env or {}, *words, stdin=stdin, cwd=cwd)
        warm.process.join(timeout_s)
        code = warm.process.exitcode
        if code is None:
            warm.process.kill()
            raise subprocess.TimeoutExpired(words, timeout_s)
        return subprocess.CompletedProcess(words, code, *warm.written())


def warm_fusion(
    folder: Path, env: Mapping[str, str], *words: str, stdin: str = "", cwd: Path = ROOT
) -> Warm:
    """Start the command with these words; its input and output are kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    given, out, said = (folder / name for name in ("in", "out", "said"))
    given.write_text(stdin)
    streams = tuple(map(str, (given, out, said)))
    started = (words, environment(env), str(cwd), streams)
    process = _forks.Process(target=_command, args=started, daemon=True)
    process.start()
    return Warm(process, out, said)


def _command(words: tuple[str, ...], env: dict[str, str], cwd: str, streams: tuple[str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for number, path in enumerate(streams):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY
        os.dup2(os.open(path, flags, 0o600), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  the one that was open is at /dev/null
    sys.argv = ["fusion", *words]
    main()
