"""Sandboxes without an engine: bubblewrap, user namespaces and control groups.

The same supervisor and the same checks as in Docker. Commands see the programs of this machine
instead of an image. Where there are no control groups for us, two limits are not held: the memory
of all processes together (it is each process's own, and files in memory come on top) and a share of
the processor. Where systemd before 253 makes the groups, a process that uses too much memory takes
the others with it. Where we do not run as root, commands count towards our own user's quotas.
"""

import os
import shutil
import socket
from pathlib import Path

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.bubblewrap.command import (
    GROUPS,
    IDENTITY,
    PYTHON,
    TMPFS,
    UID,
    Programs,
    command_line,
    find_programs,
)
from langgraph_fusion.sandbox.bubblewrap.container import BubblewrapContainer
from langgraph_fusion.sandbox.bubblewrap.control_groups import (
    CONTROLLERS,
    Groups,
    MakeGroups,
    find_groups,
    scope,
    stops_all_for_one,
)
from langgraph_fusion.sandbox.bubblewrap.filter import compiled_filter
from langgraph_fusion.sandbox.owned_directories import BUBBLEWRAP, make_owned
from langgraph_fusion.sandbox.private_uid import private_uid
from langgraph_fusion.sandbox.settings import SandboxSettings
from langgraph_fusion.sandbox.verify import ask_locks, command_locks, kernel_locks, limits_of

IN_CONTAINER = Path(__file__).parent.parent / "in_container"
WITHOUT_GROUPS = "memory of all processes together, a share of the processor"
WITHOUT_ROOT = "quotas of a user of its own"
WITH_OLD_SYSTEMD = "the lives of other processes when one uses too much memory (systemd before 253)"
# As in the image: executed by everybody, read by nobody, its owner included.
CLOSED = 0o111


class BubblewrapBackend:
    """See `Backend`."""

    not_held = WITHOUT_GROUPS
    """Until it is known better."""
    notice = ""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._programs: Programs | None = None
        self._make_groups: MakeGroups | None = None
        self._code: Path | None = None

    def open(self) -> None:
        """Find programs and control groups, compile the filter, create the files of /opt/sbx."""
        self._programs = find_programs()
        compiled_filter()
        self._make_groups = find_groups()
        missing = (
            (WITHOUT_GROUPS, self._make_groups is None),
            (WITH_OLD_SYSTEMD, self._make_groups is scope and stops_all_for_one()),
            (WITHOUT_ROOT, os.getuid() != 0),
        )
        self.not_held = ", ".join(what for what, applies in missing if applies)
        self._code = lay_out()

    def start(self, member: str, proxy_directory: str | None) -> BubblewrapContainer:
        """Start one member's sandbox and check its locks; the member is only a label elsewhere."""
        if self._programs is None or self._code is None:
            raise SandboxUnavailable("The sandbox pool is closed.")
        ours, agents = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        seccomp = os.memfd_create("seccomp")
        os.write(seccomp, compiled_filter())
        os.lseek(seccomp, 0, os.SEEK_SET)
        uid = private_uid(mapped=False) if os.getuid() == 0 else None
        try:
            groups = self._groups()
            command = command_line(
                self._programs,
                self._settings,
                groups,
                uid=uid,
                code=self._code,
                control=agents.fileno(),
                seccomp=seccomp,
            )
            container = BubblewrapContainer.start(command, ours, [agents.fileno(), seccomp], groups)
        except BaseException:
            ours.close()
            raise
        finally:
            agents.close()
            os.close(seccomp)
        try:
            self._check(container)
        except BaseException:
            container.remove()
            raise
        return container

    def _groups(self) -> Groups | None:
        try:
            return self._make_groups(self._settings) if self._make_groups else None
        except OSError as error:
            raise SandboxUnavailable(
                f"The sandbox's control groups could not be made: {error.strerror}."
            ) from error

    def _check(self, container: BubblewrapContainer) -> None:
        try:
            report = ask_locks(container, self._settings)
        except SandboxUnavailable as error:
            words = container.last_words() or "it does not answer"
            raise SandboxUnavailable(
                f"bubblewrap could not start a sandbox: {words}. It needs user namespaces."
            ) from error
        holds = command_locks(report, UID) | kernel_locks(report)
        if self._make_groups is not None:
            holds |= limits_of(report, self._settings)
        if broken := [lock for lock, held in holds.items() if not held]:
            raise SandboxUnavailable(
                f"The sandbox is not locked as asked: {', '.join(broken)}. Use Docker."
            )

    def reap(self) -> None:
        """Do nothing: the kernel ends a sandbox with us."""

    def remove_all(self) -> bool:
        """Do nothing: every container has been removed, and none can be lost."""
        return True

    def close(self, *, cleaned_up: bool) -> None:
        """Remove the files of /opt/sbx."""
        code, self._code = self._code, None
        if code is not None:
            shutil.rmtree(code, ignore_errors=True)


def lay_out() -> Path:
    """A directory with supervisor, agent, a closed interpreter, and the users that commands see."""
    code = make_owned(BUBBLEWRAP)
    code.chmod(0o755)
    shutil.copyfile(PYTHON.resolve(), code / "sbx")
    (code / "sbx").chmod(CLOSED)
    for source, name in (("supervisor.py", "run"), ("agent.py", "agent")):
        shutil.copyfile(IN_CONTAINER / source, code / name)
    (code / "passwd").write_text(f"sandbox:x:{UID}:{UID}::/work:/bin/bash\n")
    (code / "group").write_text(f"sandbox:x:{UID}:\n")
    (code / "hosts").write_text("127.0.0.1 localhost sandbox\n::1 localhost\n")
    for name in ("run", "agent", *IDENTITY):
        (code / name).chmod(0o644)
    for name in (*TMPFS.values(), *(f"{GROUPS}/{controller}" for controller in CONTROLLERS)):
        (code / name).mkdir(parents=True)
    return code
