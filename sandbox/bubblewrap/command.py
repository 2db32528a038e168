"""Build bubblewrap's command line: namespaces, visible parts of the host, limits.

bubblewrap's own tmpfs counts no files. So a shell in a mount namespace of its own mounts them first
(where we are not root, in a user namespace of its own too), joins the control groups and becomes
bubblewrap, which binds what it finds.
"""

import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from langgraph_fusion.sandbox.base import SandboxUnavailable
from langgraph_fusion.sandbox.bubblewrap.control_groups import Groups
from langgraph_fusion.sandbox.settings import SHM_MB, SandboxSettings

MIB = 1 << 20
STATE_MB = 8
STATE_FILES = 1000
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
# Of the sandbox's own.
IDENTITY = ("passwd", "group", "hosts")
DEVICES = ("null", "zero", "full", "random", "urandom")
# Below the directory of a pool's files; the mounts there are seen by their own sandbox only.
TMPFS = {"/work": "work", "/tmp": "tmp", "/run/sbx": "state", "/dev/shm": "shm"}
GROUPS = "cgroup"


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are that make a sandbox."""

    bwrap: str
    prlimit: str
    unshare: str
    setpriv: str | None
    """Only needed by root, which must not be who commands are outside."""


def find_programs() -> Programs:
    """Find them.

    Raises:
        SandboxUnavailable: Naming what is missing.
    """
    names = ("bwrap", "prlimit", "unshare", "setpriv")
    bwrap, prlimit, unshare, setpriv = map(shutil.which, names)
    if bwrap is None:
        raise SandboxUnavailable("bubblewrap is not installed. Install `bubblewrap`.")
    if prlimit is None or unshare is None or setpriv is None:
        raise SandboxUnavailable(
            "prlimit, unshare or setpriv is missing. Install `util-linux` and `mount`."
        )
    if not PYTHON.exists() or not Path("/bin/bash").exists():
        raise SandboxUnavailable(f"Commands need {PYTHON} and /bin/bash. Install them.")
    return Programs(bwrap, prlimit, unshare, setpriv if os.getuid() == 0 else None)


def command_line(
    programs: Programs,
    settings: SandboxSettings,
    groups: Groups | None,
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
        groups: What holds the limits of all processes together; without, some hold for each.
        uid: The private user that commands are outside; None where only our own can be.
        code: Directory with what belongs at /opt/sbx, and where to mount.
        control: Descriptor of the agent's socket.
        seccomp: Descriptor of the compiled filter.
    """
    as_root = () if uid is not None else ("--user", "--map-root-user")
    return [
        *(groups.before if groups else ()),
        *(programs.unshare, *as_root, "--mount", "--propagation", "private", "--"),
        *("/bin/sh", "-ec", _preparation(settings, groups, code), "sh"),
        *(_as_user(programs, uid) if uid is not None else ()),
        *(programs.prlimit, "--core=1:1", f"--nofile={OPEN_FILES}:{OPEN_FILES}"),
        *(() if groups else _limits_of_each(settings)),
        *("--", programs.bwrap, "--unshare-all", "--unshare-user", "--die-with-parent"),
        *("--new-session", "--as-pid-1", "--clearenv", "--hostname", "sandbox"),
        *("--uid", str(UID), "--gid", str(UID), "--cap-drop", "ALL", "--seccomp", str(seccomp)),
        *_files(code, with_groups=groups is not None),
        *("--chdir", "/", "/opt/sbx/sbx", "-I", "-S", "/opt/sbx/agent"),
        *(str(control), str(settings.max_lifetime_s)),
    ]


def _limits_of_each(settings: SandboxSettings) -> tuple[str, ...]:
    return (f"--nproc={settings.max_processes}", f"--data={settings.memory_mb * MIB}")


def _preparation(settings: SandboxSettings, groups: Groups | None, code: Path) -> str:
    """What the shell does first; one `mount` with a table is fast."""
    sizes = {
        "/work": (settings.work_mb, settings.max_files),
        "/tmp": (settings.tmp_mb, settings.max_files),
        "/run/sbx": (STATE_MB, STATE_FILES),
        "/dev/shm": (SHM_MB, settings.max_files),
    }
    joined, shown = (groups.joined, groups.shown) if groups else ((), ())
    place = _in_table(code)
    table = [
        f"'none {place}/{TMPFS[path]} tmpfs "
        f"mode=1777,nosuid,nodev,size={size_mb * MIB},nr_inodes={files} 0 0'"
        for path, (size_mb, files) in sizes.items()
    ]
    table += [f"\"{group} \"'{place}/{GROUPS}/{seen} none bind 0 0'" for group, seen in shown]
    return "\n".join(
        [
            *(f"echo $$ > {shlex.quote(str(group))}/cgroup.procs" for group in joined),
            f"table={shlex.quote(str(code))}/table.$$",
            f"printf '%s\\n' {' '.join(table)} > \"$table\"",
            'mount --all --fstab "$table"',
            'exec "$@"',
        ]
    )


def _in_table(path: Path) -> str:
    """A path as a table of mounts has it: everything unusual as an octal number."""
    usual = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"
    return "".join(chr(byte) if byte in usual else f"\\{byte:03o}" for byte in os.fsencode(path))


def _as_user(programs: Programs, uid: int) -> list[str]:
    return [
        str(programs.setpriv),
        *(f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all"),
        *("--bounding-set=-all", "--no-new-privs", "--"),
    ]


def _files(code: Path, *, with_groups: bool) -> Iterator[str]:
    yield from _system()
    for name in CONFIGURATION:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    for name in IDENTITY:
        yield from ("--ro-bind", str(code / name), f"/etc/{name}")
    for name in ("sbx", "run", "agent"):
        yield from ("--ro-bind", str(code / name), f"/opt/sbx/{name}")
    yield from _devices()
    for path, name in TMPFS.items():
        yield from ("--bind", str(code / name), path)
    if with_groups:
        yield from ("--ro-bind", str(code / GROUPS), "/sys/fs/cgroup")
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
