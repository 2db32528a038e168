r"""Run one command inside the container, move files, or say how the container is locked.

Runs in the container, not in the application. Standard library only, one process per call,
started by the engine:

    docker exec -i -u UID:UID -w / CONTAINER /opt/sbx/sbx -I -S /opt/sbx/run

/opt/sbx/sbx is a Python interpreter that may be executed but not read, which makes the kernel close
a process to others of its uid from its first instruction on.

stdin:  b"<length>\n" and a JSON request; stays open as a life-line: end of file kills the command.
stdout: b"<length>\n" and one JSON report. The command never gets the supervisor's stdin,
stdout or stderr.

Everything under `STATE` may have been planted by an earlier command. A command has the
supervisor's uid: it can kill or stop it (the host then cleans up), but not trace it, write to its
descriptors or change its limits.
"""

# Every call pays for what is imported here, and pathlib is slow to import.
# ruff: noqa: PTH101, PTH103, PTH108, PTH110, PTH112, PTH114, PTH116, PTH120, PTH123, PTH208
from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import select
import signal
import stat
import sys
import time
from binascii import a2b_base64, b2a_base64

TYPE_CHECKING = False  # importing typing costs every call some milliseconds
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Request = dict[str, Any]
    Report = dict[str, Any]

# A small tmpfs of its own: commands can neither rename nor replace it.
STATE = "/run/sbx"
PLACES = (STATE, "/work", "/tmp", "/dev/shm")
CGROUP = "/sys/fs/cgroup"
MAX_REQUEST_BYTES = 1 << 28
# How long to read on after the shell has ended while background children still hold the pipe.
DRAIN_S = 0.25
TERM_GRACE_S = 1.0
MAX_BACKGROUND = 32
BACKGROUND_LOG_BYTES = 1 << 20
SAVED_ENV_BYTES = 1 << 20
CHUNK = 1 << 16
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
MAX_DEPTH = 16
MAX_PATH_BYTES = 4000
MAX_LEFT_OUT = 20
MAX_DIRECTORIES = 2000
MAX_ENTRIES = 100_000
PROXY_TRIES = 50
PROXY_PAUSE_S = 0.1
PROXY_SOCKET = "/run/proxy/socket/proxy.sock"
AF_VSOCK = 40
SIOCGIFFLAGS = 0x8913
BAD = ctypes.c_long(-1)
# What some engine's default filter lets through, or has let through.
PROBES: dict[str, tuple[object, ...]] = {
    "io_uring_setup": (0, None),
    "io_setup": (0, None),
    "keyctl": (BAD, 0, 0, 0, 0),
    "userfaultfd": (BAD,),
    "ptrace": (BAD, 0, 0, 0),
    "process_vm_readv": (0, None, BAD, None, 0, 0),
    "bpf": (BAD, None, 0),
    "perf_event_open": (None, 0, BAD, BAD, 0),
    "shmget": (0, 0, 0),
    "msgget": (BAD, 0),
    "mq_open": (None, 0, 0, None),
    "unshare": (BAD,),
}
NUMBERS = {
    "x86_64": {
        "io_uring_setup": 425,
        "io_setup": 206,
        "keyctl": 250,
        "userfaultfd": 323,
        "ptrace": 101,
        "process_vm_readv": 310,
        "bpf": 321,
        "perf_event_open": 298,
        "shmget": 29,
        "msgget": 68,
        "mq_open": 240,
        "unshare": 272,
    },
    "aarch64": {
        "io_uring_setup": 425,
        "io_setup": 0,
        "keyctl": 219,
        "userfaultfd": 282,
        "ptrace": 117,
        "process_vm_readv": 270,
        "bpf": 280,
        "perf_event_open": 241,
        "shmget": 194,
        "msgget": 186,
        "mq_open": 180,
        "unshare": 97,
    },
}
IGNORED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)

# Directory and exported variables outlive a command through two files that an EXIT trap writes;
# functions do not (a fork bomb that redefines `:` would break every later `while :`). `-f` keeps a
# planted fifo from blocking us.
WRAPPER = r"""
echo 1000 > /proc/self/oom_score_adj 2>/dev/null
__sbx_save() { { pwd -P > "$__d/cwd.n" && mv -f "$__d/cwd.n" "$__d/cwd"
                 export -p > "$__d/env.n" && mv -f "$__d/env.n" "$__d/env"; } 2>/dev/null; }
__d="$1"; [ -f "$__d/env" ] && [ -r "$__d/env" ] && . "$__d/env" 2>/dev/null
__c=; [ -f "$__d/cwd" ] && __c="$(< "$__d/cwd")" 2>/dev/null
cd -- "${__c:-/work}" 2>/dev/null || cd /work 2>/dev/null; unset __c
trap '__sbx_save' EXIT
set -- ; . /dev/fd/3
"""
# Closes the descriptor before the command; on its first line, so that errors count lines right.
CLOSE_COMMAND = b"exec 3<&-; "


def main() -> int:
    protect()
    operations = {"run": run, "put": put, "get": get, "list": list_files, "check": check}
    try:
        request = read_request()
        reply(operations[request["op"]](request))
    except EOFError:
        return 1
    except OSError as error:
        reply({"error": errno.errorcode.get(error.errno or 0, "") + f" {error.strerror}"})
    return 0


def protect() -> None:
    libc = ctypes.CDLL(None)
    # PR_SET_NAME, so that `pkill python` does not hit us
    libc.prctl(15, b"sbx", 0, 0, 0)
    # PR_SET_DUMPABLE=0, as the unreadable interpreter has been from its start: processes of the
    # same uid cannot trace us or open our descriptors
    libc.prctl(4, 0, 0, 0, 0)
    # PR_SET_CHILD_SUBREAPER: what a command orphans becomes our child
    libc.prctl(36, 1, 0, 0, 0)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o022)


def read_request() -> Request:
    length = b""
    while not length.endswith(b"\n"):
        length += read_exactly(0, 1)
        if len(length) > 12:
            raise EOFError
    if int(length) > MAX_REQUEST_BYTES:
        raise EOFError
    request: Request = json.loads(read_exactly(0, int(length)))
    return request


def read_exactly(fd: int, count: int) -> bytes:
    chunks: list[bytes] = []
    while count:
        chunk = os.read(fd, min(CHUNK, count))
        if not chunk:
            raise EOFError
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def reply(report: Report) -> None:
    body = json.dumps(report).encode()
    write_all(1, b"%d\n" % len(body) + body)


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def encoded(data: bytes | bytearray) -> str:
    return b2a_base64(data, newline=False).decode()


# --- running one command


def run(request: Request) -> Report:
    """Run `command` in the saved directory and environment for at most `timeout` seconds."""
    if request["restart"]:
        kill_all()
        wipe_state()
    drop_oversized_env()
    command = sealed(CLOSE_COMMAND + request["command"].encode("utf-8", "surrogatepass") + b"\n")
    before, began = Counters(CGROUP), time.monotonic()
    read_end, write_end = os.pipe()
    pid, killed_all = spawn_shell(request["env"], command, write_end)
    os.close(write_end)
    os.close(command)
    output = Output(read_end, request["head"], request["tail"])
    status, reason = watch(pid, output, began + request["timeout"])
    if reason:
        status, forced = stop(pid, status, output)
        killed_all = killed_all or forced
        if reason == "cancelled":
            os._exit(1)
    after = Counters(CGROUP)
    pids_max_hits = after.pids_max_hits - before.pids_max_hits
    background, too_many = background_processes(pids_max_hits)
    keep_output = background and not output.ended and not reason
    return {
        "exit_code": exit_code(status),
        "timed_out": reason == "timed_out",
        "seconds": round(time.monotonic() - began, 3),
        "total": output.total,
        "head": encoded(output.head),
        "tail": encoded(output.tail),
        "cwd": saved_directory(),
        "oom_kills": max(0, after.oom_kills - before.oom_kills),
        "pids_max_hits": max(0, pids_max_hits),
        "background": background,
        "background_log": drain_in_background(read_end, pid) if keep_output else None,
        "killed_all": killed_all or too_many,
    }


def sealed(text: bytes) -> int:
    """A file without a name that nobody can change any more."""
    fd = os.memfd_create("command", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    write_all(fd, text)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def spawn_shell(env: dict[str, str], command: int, out_fd: int) -> tuple[int, bool]:
    """Start the shell: (process id, whether everything else was killed to make room for it)."""
    for attempt in range(3):
        try:
            return spawn(env, command, out_fd), attempt > 0
        except OSError:  # EAGAIN, ENOMEM: an earlier command ate all processes or all memory
            if attempt == 2:
                raise
            kill_all()
    raise AssertionError("unreachable")


def spawn(env: dict[str, str], command: int, out_fd: int) -> int:
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        return os.posix_spawn(
            "/bin/bash",
            ["bash", "--noprofile", "--norc", "-c", WRAPPER, "bash", STATE],
            env,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, null, 0),
                (os.POSIX_SPAWN_DUP2, command, 3),
                (os.POSIX_SPAWN_DUP2, out_fd, 1),
                (os.POSIX_SPAWN_DUP2, out_fd, 2),
            ],
            setsid=True,
            setsigdef=[*IGNORED, signal.SIGPIPE],
        )
    finally:
        os.close(null)


def watch(pid: int, output: Output, deadline: float) -> tuple[int | None, str | None]:
    """Collect output until the shell ends, time is up or the host hangs up.

    Returns:
        The shell's wait status, None while it lives, and why it was cut short.
    """
    poll, wake = poll_for(output)
    status = None
    while True:
        ended = reap().get(pid)
        now = time.monotonic()
        if status is None and ended is not None:
            status, deadline = ended, now + DRAIN_S
        if status is not None and output.ended:
            return status, None
        if now >= deadline:
            return status, "timed_out" if status is None else None
        if not handle_events(poll, wake, output, min(deadline - now, 5)):
            return status, "cancelled"


def handle_events(poll: select.poll, wake: int, output: Output, seconds: float) -> bool:
    """Wait for something to happen and take it in; False when the host has hung up."""
    ready = [fd for fd, _ in poll.poll(max(1, seconds * 1000))]
    if 0 in ready and host_hung_up():
        return False
    if wake in ready:
        os.read(wake, 4096)
    if output.fd in ready:
        output.pump()
        if output.ended:
            poll.unregister(output.fd)
    return True


def poll_for(output: Output) -> tuple[select.poll, int]:
    """Wake for the host's end of file, for output, and (second value) for a child that ended."""
    wake_r, wake_w = os.pipe()
    for fd in (wake_r, wake_w, output.fd):
        os.set_blocking(fd, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
    poll = select.poll()
    for fd in (0, wake_r, output.fd):
        poll.register(fd, select.POLLIN)
    return poll, wake_r


def host_hung_up() -> bool:
    try:
        return not os.read(0, 1)
    except OSError:
        return True


def stop(pid: int, status: int | None, output: Output) -> tuple[int | None, bool]:
    """TERM to the group, a grace, then KILL to the whole tree, setsid or not.

    Returns:
        The shell's wait status and whether everything had to be killed.
    """
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGTERM)
    until = time.monotonic() + TERM_GRACE_S
    while status is None and time.monotonic() < until:
        output.pump()
        status = reap().get(pid, status)
        time.sleep(0.01)
    clean = kill_tree(os.getpid())
    if not clean:
        kill_all()
    status = reap().get(pid, status)
    output.pump()
    return status, not clean


def background_processes(pids_max_hits: int) -> tuple[int, bool]:
    """Count what runs on, or kill it if it is too much for the next command: (count, killed)."""
    left = len(living_descendants(os.getpid()))
    processes = sum(name.isdigit() for name in os.listdir("/proc"))
    if left > MAX_BACKGROUND or processes > MAX_BACKGROUND + 8 or pids_max_hits > 0:
        kill_all()
        return 0, True
    return left, False


def exit_code(status: int | None) -> int | None:
    """As a shell says it: 128 + signal number after a signal; None when unknown."""
    if status is None:
        return None
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


# --- output


class Output:
    """The first `head` and last `tail` bytes of a pipe in constant memory; the rest is counted."""

    def __init__(self, fd: int, head: int, tail: int) -> None:
        self.fd, self.total, self.ended = fd, 0, False
        self.head = bytearray()
        self._head_bytes, self._tail_bytes, self._tail = head, tail, bytearray()

    def pump(self) -> None:
        for _ in range(64):  # bounded, so that a flood cannot keep us from looking at the clock
            if self.ended:
                return
            try:
                data = os.read(self.fd, CHUNK)
            except BlockingIOError:
                return
            self.ended = not data
            self.add(data)

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self._head_bytes - len(self.head)
        self.head += data[:room]
        self._tail += data[room:][-self._tail_bytes :]
        if len(self._tail) > 2 * self._tail_bytes:
            del self._tail[: len(self._tail) - self._tail_bytes]

    @property
    def tail(self) -> bytearray:
        return self._tail[-self._tail_bytes :]


def drain_in_background(fd: int, pid: int) -> str | None:
    """Keep reading what background processes print, so that they neither block nor die of SIGPIPE.

    Returns:
        The log that holds the first MiB of it, or None when no process could be started for it.
    """
    path = f"{STATE}/bg-{pid}.log"
    try:
        if os.fork():
            return path
    except OSError:
        return None
    os.setsid()
    detach_from_host(keep=fd)
    os.set_blocking(fd, True)
    with contextlib.suppress(OSError):
        copy_to_log(fd, path)
    os._exit(0)


def detach_from_host(keep: int) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != keep:
            with contextlib.suppress(OSError):
                os.close(int(name))


def copy_to_log(fd: int, path: str) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    left = BACKGROUND_LOG_BYTES
    while data := os.read(fd, CHUNK):
        try:
            left -= os.write(log, data[:left])
        except OSError:  # the log's disk is full: read on, or the printing process blocks
            left = 0


# --- processes


class Counters:
    """What the control group has counted so far: version 2 paths first, then version 1."""

    def __init__(self, root: str) -> None:
        self.oom_kills = (
            number_after("oom_kill", f"{root}/memory.events", f"{root}/memory/memory.oom_control")
            or 0
        )
        self.pids_max_hits = (
            number_after("max", f"{root}/pids.events", f"{root}/pids/pids.events") or 0
        )


def number_after(key: str, *paths: str) -> int | None:
    for words in (line.split() for path in paths for line in lines_of(path)):
        if len(words) == 2 and words[0] == key and words[1].isdigit():
            return int(words[1])
    return None


def lines_of(path: str) -> list[str]:
    try:
        with open(path) as file:
            return file.read(1 << 16).splitlines()
    except OSError:
        return []


def living_descendants(root: int) -> list[int]:
    children: dict[int, list[tuple[int, str]]] = {}
    for pid, state, parent in processes():
        children.setdefault(parent, []).append((pid, state))
    living, todo = [], [root]
    while todo:
        for pid, state in children.get(todo.pop(), ()):
            todo.append(pid)
            if state not in "ZX":
                living.append(pid)
    return living


def processes() -> Iterator[tuple[int, str, int]]:
    """Yield process id, state and parent of every process in the container."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        text = "".join(lines_of(f"/proc/{name}/stat"))
        if ")" in text:
            state, parent = text[text.rindex(")") + 2 :].split()[:2]
            yield int(name), state, int(parent)


def reap() -> dict[int, int]:
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def kill_tree(root: int) -> bool:
    for _ in range(200):  # repeat: a fork bomb races with the walk
        living = living_descendants(root)
        if not living:
            return True
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in living:
                with contextlib.suppress(OSError):
                    os.kill(pid, number)
        reap()
        time.sleep(0.005)
    return False


def kill_all() -> None:
    """Kill everything of this uid but ourselves.

    One call beats a fork bomb: a pending SIGKILL aborts fork().
    """
    for _ in range(50):
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return
        reap()
        time.sleep(0.01)


# --- state between commands


def wipe_state() -> None:
    """Forget directory, variables and logs. What a command has made unremovable stays behind."""
    import shutil  # here, because every call pays for what stands on top

    for place in PLACES:  # closed by a command that owns them, as it does under bubblewrap
        with contextlib.suppress(OSError):
            os.chmod(place, 0o1777)
    try:
        names = os.listdir(STATE)
    except OSError:
        return
    for name in names:
        path = f"{STATE}/{name}"
        try:
            os.unlink(path)
        except IsADirectoryError:
            make_accessible(path)
            shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


def make_accessible(root: str) -> None:
    """Undo `chmod 0` on directories, so that they can be removed; links are not followed."""
    todo = [root]
    for _ in range(MAX_DIRECTORIES):
        if not todo:
            return
        path = todo.pop()
        with contextlib.suppress(OSError):
            os.chmod(path, 0o700)
            with os.scandir(path) as entries:
                todo += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def drop_oversized_env() -> None:
    with contextlib.suppress(OSError):
        if os.stat(f"{STATE}/env").st_size > SAVED_ENV_BYTES:
            os.unlink(f"{STATE}/env")


def saved_directory() -> str | None:
    try:
        fd = os.open(f"{STATE}/cwd", os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        return os.read(fd, 4096).decode("utf-8", "replace").rstrip("\n")
    finally:
        os.close(fd)


# --- files


def put(request: Request) -> Report:
    """Write one regular file; what a command has planted in its way is an error, not awaited."""
    path, data = request["path"], a2b_base64(request["data"])
    os.makedirs(os.path.dirname(path) or "/", exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK, 0o644)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return {"error": "not a regular file"}
        os.ftruncate(fd, 0)
        write_all(fd, data)
        os.fchmod(fd, request["mode"])
    finally:
        os.close(fd)
    return {"bytes": len(data)}


def get(request: Request) -> Report:
    fd, limit = os.open(request["path"], os.O_RDONLY | os.O_NONBLOCK), request["max"]
    about = os.fstat(fd)
    if not stat.S_ISREG(about.st_mode):
        return {"error": "not a regular file"}
    if about.st_size > limit:
        return {"error": f"the file has {about.st_size} bytes, the limit is {limit}"}
    chunks: list[bytes] = []
    size = 0
    while size <= limit and (chunk := os.read(fd, CHUNK)):
        chunks.append(chunk)
        size += len(chunk)
    if size > limit:
        return {"error": "the file grew past the limit while it was read"}
    return {"data": encoded(b"".join(chunks))}


def list_files(request: Request) -> Report:
    """List regular files under a directory, links not followed: relative path and size in bytes.

    What does not fit the bounds, or cannot be read, is left out and named; the rest comes.
    """
    files: list[tuple[str, int]] = []
    left_out: list[str] = []
    try:
        root = os.open(request["path"], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return {"files": [], "left_out": []}
    except OSError as error:
        reason = "a link" if os.path.islink(request["path"]) else f"{error.strerror}"
        return {"files": [], "left_out": [f".: {reason}"]}
    # Descriptors, not paths: a path ends at 4096 bytes, and could be swapped for a link meanwhile.
    for relative, size in walk(root, "", 0, left_out):
        if len(files) == request["max"]:
            left_out.append(f"all beyond {request['max']} files")
            break
        files.append((relative, size))
    return {"files": files, "left_out": left_out[-MAX_LEFT_OUT:]}


def walk(folder: int, prefix: str, depth: int, left_out: list[str]) -> Iterator[tuple[str, int]]:
    """Yield what is in an open directory, in order of names, files first; closes it."""
    try:
        files, folders = names_in(folder)
        for name in files:
            if (path := relative_path(prefix, name, left_out)) is not None:
                with contextlib.suppress(FileNotFoundError):
                    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if stat.S_ISREG(about.st_mode):
                        yield path, about.st_size
        for name in folders:
            if (path := relative_path(prefix, name, left_out)) is not None:
                below = open_below(folder, name, path, depth, left_out)
                if below is not None:
                    yield from walk(below, path, depth + 1, left_out)
    except OSError as error:
        note(left_out, prefix or ".", str(error.strerror))
    finally:
        os.close(folder)


def open_below(folder: int, name: str, path: str, depth: int, left_out: list[str]) -> int | None:
    if depth == MAX_DEPTH:
        note(left_out, path, "too deep")
        return None
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        note(left_out, path, str(error.strerror))
        return None


def names_in(folder: int) -> tuple[list[str], list[str]]:
    """Regular files and directories: what an honest program leaves first, then hidden ones."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                files.append(entry.name)
            if len(files) + len(folders) == MAX_ENTRIES:
                break
    for names in (files, folders):
        names.sort(key=lambda name: (name.startswith((".", "-")), name))
    return files, folders


def relative_path(prefix: str, name: str, left_out: list[str]) -> str | None:
    path = f"{prefix}/{name}" if prefix else name
    try:
        size = len(path.encode())
    except UnicodeEncodeError:  # a name that is not UTF-8 could not be asked for
        note(left_out, ascii(path), "the name is not UTF-8")
        return None
    if size > MAX_PATH_BYTES:
        note(left_out, path, "the path is too long")
        return None
    return path


def note(left_out: list[str], path: str, reason: str) -> None:
    if len(left_out) < MAX_LEFT_OUT:
        left_out.append(f"{path[:200]}: {reason}")


# --- how this container is locked


def check(request: Request) -> Report:
    """What the kernel says about this process and its limits; the host compares it."""
    proxy_port = request["proxy_port"]
    status = dict(line.split(":", 1) for line in lines_of("/proc/self/status") if ":" in line)
    return {
        "uid": os.getuid(),
        "main_uid": os.stat("/proc/1").st_uid,
        "capabilities": [int(status.get(f"Cap{kind}", "1"), 16) for kind in ("Eff", "Prm", "Bnd")],
        "no_new_privileges": status.get("NoNewPrivs", "").strip() == "1",
        "seccomp": status.get("Seccomp", "").strip() == "2",
        "open_calls": open_calls(),
        "core_limit": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "closed_interpreter": not os.access("/proc/self/exe", os.R_OK),
        "terminals": os.path.exists("/dev/ptmx"),
        "root_read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "interfaces": interfaces_up("/sys/class/net"),
        "engine_socket": os.path.exists("/var/run/docker.sock"),
        "proxy_socket": os.access(PROXY_SOCKET, os.F_OK),
        "supervisor": hash_of(sys.argv[0]),
        "proxy": proxy_port is None or listens(proxy_port),
        **limits(CGROUP),
    }


def open_calls() -> list[str]:
    """Names of the system calls among `PROBES` that the kernel would carry out for a command.

    Every probe's arguments are wrong: what is not filtered fails with another error than EPERM,
    and does nothing.
    """
    if os.uname().machine not in NUMBERS:
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    numbers, found = NUMBERS[os.uname().machine], []
    for name, arguments in PROBES.items():
        ctypes.set_errno(0)
        done = libc.syscall(numbers[name], *arguments)
        if done >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            found.append(name)
    with contextlib.suppress(OSError):
        import _socket  # `socket` loads longer

        _socket.socket(AF_VSOCK, _socket.SOCK_STREAM).close()
        found.append("vsock")
    return found


def listens(port: int) -> bool:
    """Wait for the forwarder, which has only just been started."""
    import socket

    for _ in range(PROXY_TRIES):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        time.sleep(PROXY_PAUSE_S)
    return False


def interfaces_up(root: str) -> list[str]:
    """Names of the interfaces that are up; tunnel modules plant idle ones in every namespace."""
    if not os.path.isdir(root):  # no /sys
        return interfaces_up_by_socket()
    flags = {name: "".join(lines_of(f"{root}/{name}/flags")) for name in os.listdir(root)}
    return sorted(name for name, text in flags.items() if int(text or "0x1", 16) & 1)


def interfaces_up_by_socket() -> list[str]:
    import _socket

    found = []
    asking = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    lines = lines_of("/proc/net/dev")[2:]  # after two of headings
    for name in (line.partition(":")[0].strip() for line in lines):
        answer = fcntl.ioctl(asking.fileno(), SIOCGIFFLAGS, name.encode().ljust(40, b"\0"))
        if int.from_bytes(answer[16:18], sys.byteorder) & 1:
            found.append(name)
    asking.close()
    return sorted(found)


def limits(root: str) -> Report:
    """Memory in bytes, processes and CPUs this control group allows; None where none is set."""
    return {
        "memory": first_number(f"{root}/memory.max", f"{root}/memory/memory.limit_in_bytes"),
        "processes": first_number(f"{root}/pids.max", f"{root}/pids/pids.max"),
        "cpus": cpu_quota(root),
    }


def cpu_quota(root: str) -> float | None:
    for line in lines_of(f"{root}/cpu.max"):
        quota, period = line.split()
        return int(quota) / int(period) if quota.isdigit() else None
    for folder in ("cpu", "cpu,cpuacct"):
        allowed = first_number(f"{root}/{folder}/cpu.cfs_quota_us")
        span = first_number(f"{root}/{folder}/cpu.cfs_period_us")
        if allowed and span:
            return allowed / span
    return None


def first_number(*paths: str) -> int | None:
    for line in (line.strip() for path in paths for line in lines_of(path)):
        return int(line) if line.isdigit() else None
    return None


def hash_of(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


if __name__ == "__main__":
    os._exit(main())
