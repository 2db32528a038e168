"""The command in real processes, forked from one that has imported everything once."""

import asyncio
import multiprocessing
import os
import sys
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from langgraph_fusion.cli.main import main
from tests.cli.processes import environment

_IMPORTED = (
    "langgraph_fusion.cli.asking",
    "langgraph_fusion.cli.resuming",
    "langgraph_fusion.graph.ask",
    "langgraph_fusion.graph.journal.resume",
    "langchain_openai",
    "langgraph_fusion.graph.journal.sqlite_store",
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
        written = [path.read_text() if path.exists() else "" for path in (self.out, self.said)]
        return self.process.exitcode, written[0], written[1]


def warm_fusion(folder: Path, env: dict[str, str], *words: str) -> Warm:
    """Start the command with these words; its output is kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    out, said = folder / "out", folder / "said"
    given = (words, environment() | env, str(out), str(said))
    process = _forks.Process(target=_command, args=given, daemon=True)
    process.start()
    return Warm(process, out, said)


def _command(words: tuple[str, ...], env: dict[str, str], out: str, said: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((1, out), (2, said)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = ["fusion", *words]
    main()
