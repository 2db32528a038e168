"""Build bubblewrap's command line: namespaces, visible parts of the host, rlimits."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.settings import SHM_MB, SandboxSettings

MIB = 1 << 20
STATE_MB = 8
OPEN_FILES = 1024
UID = 1000
"""As the commands see themselves; outside it is another."""
PYTHON = Path("/usr/bin/python3")
# Of the host, read-only: programs, and what they need of the configuration.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
CONFIGURATION = (
    *("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types"),
    *("ssl/certs", "ssl/openssl.cnf", "fonts", "magic", "matplotlibrc"),
)
DEVICES = ("null", "zero", "full", "random", "urandom")


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are that make a sandbox."""

    bwrap: str
    prlimit: str
    setpriv: str | None
    """Only needed by root, which must not be who commands are outside."""


def find_programs() -> Programs:
    """Find them.

    Raises:
        SandboxUnavailable: Naming what is missing.
    """
    bwrap, prlimit, setpriv = map(shutil.which, ("bwrap", "prlimit", "setpriv"))
    if bwrap is None:
        raise SandboxUnavailable("bubblewrap is not installed. Install `bubblewrap`.")
    if prlimit is None or (os.getuid() == 0 and setpriv is None):
        raise SandboxUnavailable("prlimit or setpriv is missing. Install `util-linux`.")
    if not PYTHON.exists() or not Path("/bin/bash").exists():
        raise SandboxUnavailable(f"Commands need {PYTHON} and /bin/bash. Install them.")
    return Programs(bwrap, prlimit, setpriv if os.getuid() == 0 else None)


def command_line(
    programs: Programs,
    settings: SandboxSettings,
    *,
    uid: int | None,
    code: Path,
    control: int,
    seccomp: int,
) -> list[str]:
    """The command that becomes the sandbox's first process.

    Args:
        programs: Where they are.
        settings: The limits.
        uid: The private user that commands are outside; None where only our own can be.
        code: Directory with what belongs at /opt/sbx.
        control: Descriptor of the agent's socket.
        seccomp: Descriptor of the compiled filter.
    """
    return [
        *(_as_user(programs, uid) if uid is not None else ()),
        *(programs.prlimit, "--core=1:1", f"--nofile={OPEN_FILES}:{OPEN_FILES}"),
        *(f"--nproc={settings.max_processes}", f"--data={settings.memory_mb * MIB}", "--"),
        *(programs.bwrap, "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"),
        *("--as-pid-1", "--clearenv", "--hostname", "sandbox", "--cap-drop", "ALL"),
        *("--uid", str(UID), "--gid", str(UID), "--seccomp", str(seccomp)),
        *_files(settings, code),
        *("--chdir", "/", "/opt/sbx/sbx", "-I", "-S", "/opt/sbx/agent"),
        *(str(control), str(settings.max_lifetime_s)),
    ]


def _as_user(programs: Programs, uid: int) -> list[str]:
    return [
        str(programs.setpriv),
        *(f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all"),
        *("--bounding-set=-all", "--no-new-privs", "--"),
    ]


def _files(settings: SandboxSettings, code: Path) -> Iterator[str]:
    yield from _system()
    for name in CONFIGURATION:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for name in ("passwd", "group"):
        yield from ("--ro-bind", str(code / name), f"/etc/{name}")
    for name in ("sbx", "run", "agent"):
        yield from ("--ro-bind", str(code / name), f"/opt/sbx/{name}")
    yield from _devices()
    sizes = {"/work": settings.work_mb, "/tmp": settings.tmp_mb}
    for path, size_mb in (sizes | {"/run/sbx": STATE_MB, "/dev/shm": SHM_MB}).items():
        yield from ("--perms", "1777", "--size", str(size_mb * MIB), "--tmpfs", path)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/")


def _system() -> Iterator[str]:
    for path in map(Path, SYSTEM):
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))


def _devices() -> Iterator[str]:
    """Without terminals, which are counted for the whole host."""
    yield from ("--proc", "/proc", "--tmpfs", "/dev")
    for name in DEVICES:
        yield from ("--dev-bind", f"/dev/{name}", f"/dev/{name}")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        yield from ("--symlink", f"/proc/self/fd/{number}", f"/dev/{name}")
    yield from ("--symlink", "/proc/self/fd", "/dev/fd")
