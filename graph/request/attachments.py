"""Files for the members, and the files they leave: read-only copies in, bounded copies out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.request.document_copies import DIRECTORY, DocumentCopies
from langgraph_fusion.graph.request.given_files import GivenFile
from langgraph_fusion.sandbox.base import ExecResult, FileList, Sandbox, SandboxUnavailable
from langgraph_fusion.sandbox.base import SandboxFileError as FileError
from langgraph_fusion.sandbox.files import copy_in, copy_out
from langgraph_fusion.sandbox.futures import retrieve_exception

_STOCKED_AGAIN = "the files you were given are in /work again"


@dataclass(frozen=True)
class Attachments:
    """What the embedding program gives and wants back. No setting: a client may not choose it."""

    files: tuple[Path, ...] = ()
    """Each is a document of the run if it can be read, and a read-only copy in every sandbox."""
    out: Path | None = None
    """Folder for what members leave in /work/out, one subfolder a seat."""
    stored: Mapping[str, bytes] = field(default_factory=dict)
    """Bytes by path, of a run that is resumed: what it was given, whatever lies there now."""

    @classmethod
    def of(
        cls, files: Sequence[str | Path], out: str | Path | None, stored: Mapping[str, bytes]
    ) -> "Attachments":
        return cls(tuple(map(Path, files)), Path(out) if out else None, stored)

    def check(self, max_file_mb: int, *, with_bash: bool, with_docs: bool = False) -> None:
        """Raise ConfigError for what could only fail later."""
        if not with_bash and self.out:
            raise ConfigError(
                "no member has bash, which it is for; add bash to `tools`", field="out"
            )
        names = [path.name for path in self.files]
        for path in self.files:
            if str(path) not in self.stored:
                _check_is_there(path, max_file_mb if with_bash else None)
            if with_docs and path.name == PurePosixPath(DIRECTORY).name:
                raise ConfigError(
                    f"a file is called {path.name!r}, as the folder of the documents is in the "
                    "sandbox; rename it",
                    field="file",
                )
            if names.count(path.name) > 1:
                raise ConfigError(f"two files are called {path.name!r}; rename one", field="file")
        if self.out is not None and self.out.exists() and not self.out.is_dir():
            raise ConfigError(f"{str(self.out)!r} is no folder", field="out")

    @property
    def prompt_note(self) -> str:
        """What a member's prompt says about them."""
        if self.out is None:
            return ""
        return "Files worth keeping go to /work/out (make it); the reader gets them."


def _check_is_there(path: Path, max_file_mb: int | None) -> None:
    """Raise ConfigError if there is no such file, or none that a sandbox takes."""
    if path.is_dir():
        raise ConfigError(
            f"{str(path)!r} is a folder; name its files, or search it with --docs", field="file"
        )
    if not path.is_file():
        raise ConfigError(f"there is no file {str(path)!r}", field="file")
    if max_file_mb is not None and path.stat().st_size > max_file_mb << 20:
        raise ConfigError(
            f"{path.name!r} is larger than {max_file_mb} MB; raise "
            "sandbox.max_file_mb, or give a smaller one",
            field="file",
        )


class StockedSandbox:
    """A member's sandbox into which files and documents are copied while its model thinks, and
    again when it had to be replaced by a fresh one.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        files: Sequence[GivenFile] = (),
        documents: DocumentCopies | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._files = files
        self._documents = documents
        self._missing = ""
        """What is not there; said with the first command's result."""
        self._stock()

    async def run(
        self, command: str, *, timeout_s: float | None = None, restart: bool = False
    ) -> ExecResult:
        await self._stocked()
        result = await self._sandbox.run(command, timeout_s=timeout_s, restart=restart)
        notes = [result.note, self._missing]
        self._missing = ""
        if result.sandbox_reset:
            self._stock()
            notes.append(_STOCKED_AGAIN)
        return replace(result, note="\n".join(note for note in notes if note))

    async def put(self, path: str, data: bytes, *, read_only: bool = False) -> None:
        await self._stocked()
        await self._sandbox.put(path, data, read_only=read_only)

    async def get(self, path: str, max_bytes: int | None = None) -> bytes:
        await self._stocked()
        return await self._sandbox.get(path, max_bytes)

    async def list_files(self, directory: str = "/work/out", *, max_files: int = 200) -> FileList:
        await self._stocked()
        return await self._sandbox.list_files(directory, max_files=max_files)

    async def close(self) -> None:
        self._stocking.cancel()
        await self._sandbox.close()

    def _stock(self) -> None:
        self._stocking = asyncio.ensure_future(self._copy())
        self._stocking.add_done_callback(retrieve_exception)

    async def _copy(self) -> None:
        missing = [why for file in self._files if (why := await self._put(file))]
        if self._documents is not None:
            try:
                missing.append(await self._documents.copy_into(self._sandbox))
            except FileError as error:  # the sandbox is of use without them
                missing.append(str(error))
        self._missing = "\n".join(why for why in missing if why)

    async def _put(self, file: GivenFile) -> str:
        """Copy a file in; return why it is not there. One of this machine has to be.

        Raises:
            SandboxFileError: If one of this machine cannot be copied.
        """
        if file.path is not None and file.data is None:
            await copy_in(self._sandbox, [file.path])
            return ""
        try:
            await self._sandbox.put(file.name, file.data or b"", read_only=True)
        except FileError as error:
            if file.path is not None:
                raise
            return f"not in /work: {file.name} ({error})"
        return ""

    async def _stocked(self) -> None:
        try:
            await asyncio.shield(self._stocking)
        except FileError as error:
            raise SandboxUnavailable(f"a file could not be copied in: {error}") from error


async def collect(
    sandboxes: dict[str, Sandbox], out: Path
) -> tuple[list[tuple[str, Path]], list[str]]:
    """Copy what members left into `out/<seat>`: (seat and path of each, why others were not)."""
    kept: list[tuple[str, Path]] = []
    skipped: list[str] = []
    for seat, sandbox in sandboxes.items():
        try:
            copied = await copy_out(sandbox, out / seat)
        except (FileError, SandboxUnavailable) as error:
            skipped.append(f"what {seat} left: {error}")
            continue
        kept += [(seat, path) for path in copied.files]
        skipped += [f"{seat}'s {why}" for why in copied.skipped]
    return kept, skipped
