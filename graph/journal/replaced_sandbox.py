"""A member's sandbox in a resumed run: the state of the one before is lost."""

from dataclasses import replace

from langgraph_fusion.graph.journal.journal import Journal
from langgraph_fusion.sandbox.base import ExecResult, FileList, Sandbox

_NOTE = (
    "This sandbox is a new one: the run was interrupted, and what your earlier commands left "
    "(files, variables, processes) is gone."
)


class ReplacedSandbox:
    """Says with the first command's result that it is not the sandbox of the commands before."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._said = False

    async def run(
        self, command: str, *, timeout_s: float | None = None, restart: bool = False
    ) -> ExecResult:
        result = await self._sandbox.run(command, timeout_s=timeout_s, restart=restart)
        if self._said:
            return result
        self._said = True
        note = f"{result.note}\n{_NOTE}" if result.note else _NOTE
        return replace(result, note=note, sandbox_reset=True)

    async def put(self, path: str, data: bytes, *, read_only: bool = False) -> None:
        await self._sandbox.put(path, data, read_only=read_only)

    async def get(self, path: str, max_bytes: int | None = None) -> bytes:
        return await self._sandbox.get(path, max_bytes)

    async def list_files(self, directory: str = "/work/out", *, max_files: int = 200) -> FileList:
        return await self._sandbox.list_files(directory, max_files=max_files)

    async def close(self) -> None:
        await self._sandbox.close()


def used_shell(journal: Journal, letter: str) -> bool:
    """Whether a command of this member is written down by an earlier process."""
    return any(key.startswith(f"{letter}.") and key.endswith("/bash") for key in journal.keys)
