"""What any implementation of the sandbox contract must withstand, one function a requirement.

Each takes a fresh sandbox of at most 1 GiB, 128 processes, 256 MiB in /work and no network, and one
of another member, which may be the same for all. A new implementation runs the same list:
parametrise a test with `REQUIREMENTS` and await each with its own sandboxes.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from langgraph_fusion.sandbox import ExecResult, Sandbox, SandboxFileError

Requirement = Callable[[Sandbox, Sandbox], Awaitable[None]]
REQUIREMENTS: list[Requirement] = []
MIB = 1 << 20


def requirement(check: Requirement) -> Requirement:
    REQUIREMENTS.append(check)
    return check


async def output_of(sandbox: Sandbox, command: str) -> str:
    result = await sandbox.run(command, timeout_s=20)
    assert result.exit_code == 0, result
    return result.output.strip()


async def still_works(sandbox: Sandbox) -> None:
    result = await sandbox.run("echo alive")
    assert (result.exit_code, result.output) == (0, "alive\n"), result
    assert not result.sandbox_reset


async def processes_named(sandbox: Sandbox, pattern: str) -> str:
    return (await sandbox.run(f"pgrep -u $(id -u) -f '[{pattern[0]}]{pattern[1:]}'")).output.strip()


def own_memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / MIB


# --- results


@requirement
async def output_and_exit_code_are_reported(sandbox: Sandbox, _: Sandbox) -> None:
    result = await sandbox.run("echo out; echo err >&2; exit 3")
    assert (result.exit_code, result.output, result.note) == (3, "out\nerr\n", "")
    assert (result.total_bytes, result.truncated, result.timed_out) == (8, False, False)


@requirement
async def directory_and_environment_persist(sandbox: Sandbox, _: Sandbox) -> None:
    assert (await sandbox.run("cd /tmp; export SEEN='a b'; plain=1")).cwd == "/tmp"
    assert await output_of(sandbox, 'echo "$PWD $SEEN $plain"') == "/tmp a b"


@requirement
async def restart_forgets_state_and_processes_but_keeps_files(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run("echo kept > file; cd /tmp; export LOST=1; sleep 300 &")
    result = await sandbox.run('pwd; echo "[$LOST]"; cat file', restart=True)
    assert result.output == "/work\n[]\nkept\n"
    assert await processes_named(sandbox, "sleep 300") == ""


@requirement
async def endings_of_all_kinds_leave_the_next_command_alone(sandbox: Sandbox, _: Sandbox) -> None:
    expected = {
        "exit 7": 7,
        "exec true": 0,
        "set -e; false; echo never": 1,
        "echo 'unbalanced": 2,
        "cat": 0,
        "read line": 1,
        "no-such-program": 127,
        "exit 300": 44,
        "kill -9 $$": 137,
        "trap '' EXIT; return 5": 5,
    }
    for command, code in expected.items():
        result = await sandbox.run(command, timeout_s=10)
        assert (result.exit_code, result.timed_out) == (code, False), (command, result)
    await still_works(sandbox)


@requirement
async def binary_output_becomes_printable_text(sandbox: Sandbox, _: Sandbox) -> None:
    result = await sandbox.run(r"printf 'a\xff\x00\x1b[31mb\r\n'; printf 'no newline' >&2")
    assert result.output == "a\ufffd\ufffd\ufffd[31mb\nno newline"


@requirement
async def a_gigabyte_of_output_is_cut_in_constant_memory(sandbox: Sandbox, _: Sandbox) -> None:
    before = own_memory_mb()
    command = "echo first; head -c 1000000000 /dev/zero | tr '\\0' x; echo; echo last"
    result = await sandbox.run(command, timeout_s=120)
    assert not result.timed_out
    assert result.truncated
    assert result.total_bytes == 1_000_000_012
    assert result.output.startswith("first\nx")
    assert result.output.endswith("x\nlast\n")
    assert len(result.output) < 40_000
    assert "bytes omitted" in result.note
    assert own_memory_mb() - before < 16


@requirement
async def endless_output_ends_with_the_timeout(sandbox: Sandbox, _: Sandbox) -> None:
    result = await sandbox.run("yes", timeout_s=2)
    assert result.timed_out
    assert result.total_bytes > MIB


# --- time


@requirement
async def a_timeout_keeps_what_was_printed(sandbox: Sandbox, _: Sandbox) -> None:
    result = await sandbox.run("echo begun; sleep 60", timeout_s=1)
    assert result.timed_out
    assert result.output == "begun\n"
    assert "timed out after" in result.note
    assert await processes_named(sandbox, "sleep 60") == ""


@requirement
async def ignoring_every_polite_signal_does_not_help(sandbox: Sandbox, _: Sandbox) -> None:
    command = "trap '' TERM INT HUP; echo stubborn; while :; do sleep 61; done"
    result = await sandbox.run(command, timeout_s=1)
    assert result.timed_out
    assert await processes_named(sandbox, "sleep 61") == ""


@requirement
async def a_child_in_a_session_of_its_own_is_killed_too(sandbox: Sandbox, _: Sandbox) -> None:
    result = await sandbox.run("setsid sleep 62 & sleep 62", timeout_s=1)
    assert result.timed_out
    assert await processes_named(sandbox, "sleep 62") == ""


@requirement
async def unusable_timeouts_mean_the_default(sandbox: Sandbox, _: Sandbox) -> None:
    for seconds in (0.0, -1.0, float("nan"), float("inf")):
        assert (await sandbox.run("true", timeout_s=seconds)).exit_code == 0


@requirement
async def a_cancelled_call_kills_its_command(sandbox: Sandbox, _: Sandbox) -> None:
    await still_works(sandbox)
    for delay in (0.0, 0.02, 0.06, 0.3):
        call = asyncio.create_task(sandbox.run("sleep 63"))
        await asyncio.sleep(delay)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    await asyncio.sleep(1.5)
    assert await processes_named(sandbox, "sleep 63") == ""


@requirement
async def parallel_calls_are_taken_one_after_the_other(sandbox: Sandbox, _: Sandbox) -> None:
    command = "n=$(cat n 2>/dev/null || echo 0); sleep 0.1; echo $((n + 1)) > n; cat n"
    results = await asyncio.gather(*(sandbox.run(command) for _ in range(5)))
    assert sorted(result.output for result in results) == ["1\n", "2\n", "3\n", "4\n", "5\n"]


# --- background


@requirement
async def a_background_process_does_not_hold_the_call(sandbox: Sandbox, _: Sandbox) -> None:
    command = "(echo one; sleep 1; echo two; sleep 64) & echo started"
    result = await sandbox.run(command)
    assert result.background >= 1
    assert "still running" in result.note
    log = re.search(r"/run/sbx/bg-\d+\.log", result.note)
    assert log
    await asyncio.sleep(1.5)
    assert "two" in await output_of(sandbox, f"cat {log[0]}")


@requirement
async def a_server_started_by_one_command_answers_the_next(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run("echo page > index.html; nohup python3 -m http.server 8000 &")
    fetch = "curl -s --retry 20 --retry-connrefused --retry-delay 1 localhost:8000"
    assert await output_of(sandbox, fetch) == "page"


# --- processes


@requirement
async def a_fork_bomb_ends_and_files_are_kept(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run("echo kept > file")
    result = await sandbox.run(":(){ :|:& };:", timeout_s=5)
    assert "process" in result.note
    assert await output_of(sandbox, "cat file") == "kept"
    assert (await sandbox.run("while :; do break; done; echo ok")).output == "ok\n"


@requirement
async def a_fork_loop_ends_within_its_time(sandbox: Sandbox, _: Sandbox) -> None:
    bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
    await sandbox.run(f"python3 -c '{bomb}'", timeout_s=3)
    await still_works(sandbox)


@requirement
async def a_chain_that_forks_itself_away_is_ended_by_restart(sandbox: Sandbox, _: Sandbox) -> None:
    chain = "import os,time\nwhile True:\n  os.setsid() if os.getpid()!=os.getpgrp() else 0\n"
    chain += "  if os.fork(): os._exit(0)\n  time.sleep(0.01)"
    await sandbox.run(f'cat > chain.py <<"X"\n{chain}\nX\npython3 chain.py & true')
    await sandbox.run("true", restart=True)
    assert await processes_named(sandbox, "chain.py") == ""
    await still_works(sandbox)


@requirement
async def killing_everything_spares_files_and_environment(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run("echo kept > file; export KEPT=yes")
    result = await sandbox.run("kill -9 -1")
    assert not result.sandbox_reset
    assert await output_of(sandbox, 'echo "$(cat file) $KEPT"') == "kept yes"


@requirement
async def killing_python_by_name_spares_the_supervision(sandbox: Sandbox, _: Sandbox) -> None:
    result = await sandbox.run("pkill -9 python3; pkill -9 -x python; echo still here")
    assert result.output == "still here\n"


@requirement
async def stopping_everything_is_healed(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run("echo kept > file; export KEPT=yes")
    await sandbox.run("kill -STOP $PPID; kill -STOP -1", timeout_s=1)
    assert await output_of(sandbox, 'echo "$(cat file) $KEPT"') == "kept yes"


# --- memory and disk


@requirement
async def too_much_memory_ends_the_process_not_the_sandbox(sandbox: Sandbox, _: Sandbox) -> None:
    for command in ("python3 -c 'x = bytearray(3 << 30)'", "tail /dev/zero"):
        result = await sandbox.run(command, timeout_s=240)  # `tail` on a slow machine
        assert result.exit_code == 137, result
        assert result.oom_kills >= 1
        assert "memory limit" in result.note
    await still_works(sandbox)


@requirement
async def disks_are_finite_and_the_system_is_read_only(sandbox: Sandbox, _: Sandbox) -> None:
    for place in ("/work", "/tmp", "/dev/shm"):
        result = await sandbox.run(f"head -c 900M /dev/zero > {place}/big; rm -f {place}/big")
        assert "No space left" in result.output, (place, result)
    for place in ("/etc/x", "/usr/x", "/opt/sbx/run", "/opt/sbx/x", "/x"):
        result = await sandbox.run(f"echo > {place}")
        assert "Read-only file system" in result.output or "Permission denied" in result.output
    await still_works(sandbox)


@requirement
async def the_number_of_files_is_finite(sandbox: Sandbox, _: Sandbox) -> None:
    create = "for i in range(60000): open(f'/tmp/f{i}', 'w').close()"
    result = await sandbox.run(f'python3 -c "{create}"')
    assert "No space left" in result.output
    await still_works(sandbox)


# --- the supervision's own state


PLANTED = {
    "a poisoned path": "export PATH=/nowhere LD_PRELOAD=/work/x.so BASH_ENV=/work/x IFS=x",
    "a fifo as the directory": "rm -f /run/sbx/cwd; trap '' EXIT; mkfifo /run/sbx/cwd",
    "a directory as the environment": "trap '' EXIT; rm -f /run/sbx/env; mkdir /run/sbx/env",
    "a link to endless zeros": "trap '' EXIT; ln -sf /dev/zero /run/sbx/env",
    "a fifo as the command": "rm -f /run/sbx/cmd; mkfifo /run/sbx/cmd",
    "a directory as the command": "rm -f /run/sbx/cmd; mkdir -p /run/sbx/cmd/x",
    "a full disk": "head -c 20M /dev/zero > /run/sbx/fill",
    "a closed directory": "chmod 0 /run/sbx",
    "closed directories inside": (
        "trap '' EXIT; rm -f /run/sbx/env; mkdir -p /run/sbx/env/x /run/sbx/cmd/x;"
        "chmod 0 /run/sbx/env/x /run/sbx/env /run/sbx/cmd/x /run/sbx/cmd"
    ),
    "a loop that closes it": (
        "(while :; do chmod 0 /run/sbx /run/sbx/*; done) >/dev/null 2>&1 & sleep 0.1"
    ),
    "no room for a file": (
        "exec 9>/run/sbx/fill; rm /run/sbx/fill; head -c 20M /dev/zero >&9;"
        "setsid sleep 300 >/dev/null 2>&1 &"
    ),
    "an endless directory name": "trap '' EXIT; head -c 1M /dev/zero > /run/sbx/cwd",
}


def planted(what: str) -> Requirement:
    async def state_planted_by_a_command_stops_nothing(sandbox: Sandbox, _: Sandbox) -> None:
        await sandbox.run("echo kept > /work/file")
        await sandbox.run(PLANTED[what], timeout_s=10)
        result = await sandbox.run("echo alive", timeout_s=5)
        if result.output != "alive\n":
            result = await sandbox.run("echo alive", restart=True, timeout_s=5)
        assert result.output == "alive\n", result
        assert await sandbox.get("file") == b"kept\n"

    check = state_planted_by_a_command_stops_nothing
    check.__name__ += f" ({what})"
    return check


REQUIREMENTS += [planted(what) for what in PLANTED]


@requirement
async def a_planted_delay_times_out_and_restart_heals(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run("trap '' EXIT; echo 'sleep 99' > /run/sbx/env")
    assert (await sandbox.run("echo never", timeout_s=1)).timed_out
    assert (await sandbox.run("echo alive", restart=True)).output == "alive\n"


HUNTER = r"""
import os, sys, time
report = sys.argv[1].encode()
end = time.time() + 20
top = max(int(name) for name in os.listdir("/proc") if name.isdigit())
while time.time() < end:
    for pid in range(top + 1, top + 8):
        try:
            if b"/opt/sbx" not in open(f"/proc/{pid}/cmdline", "rb").read():
                continue
            for number in (1, 3):
                os.write(os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK), report)
        except OSError as error:
            if error.errno == 13:
                top = pid
    newest = max(int(name) for name in os.listdir("/proc") if name.isdigit())
    if newest > top + 7:
        top = newest - 4
"""


@requirement
async def a_process_left_behind_forges_no_result(sandbox: Sandbox, _: Sandbox) -> None:
    forged = {"exit_code": 0, "timed_out": False, "seconds": 0.1, "total": 7, "tail": ""}
    forged |= {"head": "Zm9yZ2VkCg==", "cwd": "/work", "oom_kills": 0, "pids_max_hits": 0}
    body = json.dumps(forged | {"background": 0, "background_log": None, "killed_all": False})
    await sandbox.put("hunter.py", HUNTER.encode())
    await sandbox.put("report", f"{len(body)}\n{body}".encode())
    await sandbox.run('setsid python3 hunter.py "$(cat report)" >/dev/null 2>&1 & sleep 0.3')
    for _again in range(12):
        result = await sandbox.run("echo honest; sleep 0.05; exit 3")
        # What it writes into a command's output, as any process of the same user can, is output.
        assert (result.exit_code, result.timed_out) == (3, False), result
        assert "honest\n" in result.output, result


SWAPPER = r"""
import glob, os
while True:
    for path in [*glob.glob("/proc/[0-9]*/fd/3"), "/run/sbx/cmd"]:
        try:
            with open(path, "r+b", buffering=0) as file:
                file.write(b"echo swapped\n")
        except OSError:
            pass
"""


@requirement
async def a_process_left_behind_swaps_no_command(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.put("swapper.py", SWAPPER.encode())
    await sandbox.run("setsid python3 swapper.py >/dev/null 2>&1 & sleep 0.2")
    for _again in range(12):
        assert (await sandbox.run("echo honest")).output == "honest\n"


@requirement
async def stopping_without_end_costs_one_sandbox_and_no_more(sandbox: Sandbox, _: Sandbox) -> None:
    loop = "import os\nwhile True:\n  try: os.kill(-1, 19)\n  except OSError: pass"
    await sandbox.put("stop.py", f"import time\ntime.sleep(0.5)\n{loop}".encode())
    await sandbox.run("setsid python3 stop.py >/dev/null 2>&1 & true")
    await asyncio.sleep(1)
    result = await sandbox.run("echo hello", timeout_s=1)
    assert result.sandbox_reset or "files are intact" in result.note, result
    assert (await sandbox.run("echo alive")).output == "alive\n"


@requirement
async def the_supervisions_limits_and_priority_are_its_own(sandbox: Sandbox, _: Sandbox) -> None:
    for harm in (
        *("prlimit --pid $PPID --nofile=3:3", "prlimit --pid $PPID --as=1000000:1000000"),
        *("prlimit --pid $PPID --cpu=1:1", "renice -n 19 -p $PPID", "taskset -pc 0 $PPID"),
        *("chrt -i -p 0 $PPID", "ionice -c 3 -p $PPID"),
    ):
        result = await sandbox.run(harm)
        assert result.exit_code not in (0, None), result
    await still_works(sandbox)


# --- what it may not do


DENIED = {
    "other users' environment": "cat /proc/1/environ",
    "other users' descriptors": "ls /proc/1/fd",
    "flooding the engine's log": "head -c 1000 /dev/zero > /proc/1/fd/1",
    "kernel memory": "head -c 4 /proc/kcore | grep -q ELF",
    "sysrq": "echo h > /proc/sysrq-trigger",
    "the kernel's log": "dmesg || head -c 1 /dev/kmsg",
    "kernel settings": "echo 1 > /proc/sys/kernel/core_pattern",
    "a control group of its own": "mkdir /sys/fs/cgroup/memory/x || mkdir /sys/fs/cgroup/x",
    "device nodes": "mknod /tmp/null c 1 3",
    "mounts": "mount -t tmpfs none /tmp",
    "a namespace": "unshare -U true",
    "chroot": "chroot / true",
    "another user": "su -c true || su nobody -s /bin/true",
    "a set-uid copy": "cp /bin/bash /tmp/b && chmod 6755 /tmp/b && [ $(/tmp/b -p -c 'id -u') = 0 ]",
    "tracing the supervision": "cat /proc/$PPID/environ",
    "the supervision's descriptors": "echo spoofed > /proc/$PPID/fd/1",
    "the network": "curl -sm 3 http://1.1.1.1/",
    "names": "getent hosts example.org",
    "the host's gateway": "curl -sm 3 http://172.17.0.1/",
    "the metadata address": "curl -sm 3 http://169.254.169.254/",
    "raising its own limits": "ulimit -n 4096",
    "the core handler of the host": "ulimit -c 0 || ulimit -c unlimited",
    "terminals of the host": "python3 -c 'import os; os.openpty()'",
    "message queues": "touch /dev/mqueue/x",
    "the proxy's socket": "ls /run/proxy",
}


def denied(what: str) -> Requirement:
    async def a_command_is_denied(sandbox: Sandbox, _: Sandbox) -> None:
        result = await sandbox.run(DENIED[what], timeout_s=10)
        assert result.exit_code not in (0, None), result
        assert not result.sandbox_reset

    a_command_is_denied.__name__ += f" ({what})"
    return a_command_is_denied


REQUIREMENTS += [denied(what) for what in DENIED]


PROBE = r"""
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
calls = {"ptrace": 101, "io_setup": 206, "keyctl": 250, "userfaultfd": 323, "io_uring_setup": 425,
         "process_vm_readv": 310, "bpf": 321, "perf_event_open": 298, "shmget": 29, "semget": 64,
         "msgget": 68, "mq_open": 240, "unshare": 272, "setns": 308, "add_key": 248, "mount": 165,
         "fanotify_init": 300, "memfd_secret": 447, "vmsplice": 278, "pidfd_getfd": 438,
         "process_madvise": 440, "kcmp": 312, "name_to_handle_at": 303, "syncfs": 306}
for name, number in calls.items():
    ctypes.set_errno(0)
    if libc.syscall(number, -1, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 38):
        print(name, errno.errorcode.get(ctypes.get_errno()))
USUAL = ((1, 0), (1, 6), (2, 0), (2, 17))
for family in range(46):
    for kind in (1, 2, 3, 4, 5, 6, 10):
        for protocol in (0, 1, 2, 6, 17, 33, 58, 115, 132, 136, 255, 262):
            if family == 1 or (family in (2, 10) and (kind, protocol) in USUAL):
                continue
            for make in (socket.socket, socket.socketpair):
                try:
                    make(family, kind | socket.SOCK_CLOEXEC, protocol)
                    print(make, family, kind, protocol)
                except OSError as error:
                    if error.errno not in (1, 97):
                        print(make, family, kind, protocol, error)
"""
# Two processes, 300 pairs of sockets each, whose buffers take all they get. A datagram may be
# lost, so the kernel is asked what it holds, in pages of 4 KiB for the whole host.
FILL_BUFFERS = r"""
import os, re, socket, sys, time
family, kind = (int(word) for word in sys.argv[1:])
ours = os.fork()
def pages():
    return sum(map(int, re.findall(r"(?:TCP|UDP):.* mem (\d+)", open("/proc/net/sockstat").read())))
before, total, held = pages(), 0, []
try:
    for _ in range(300):
        far = socket.socket(family, kind)
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        far.bind("" if family == socket.AF_UNIX else ("127.0.0.1", 0))
        near = socket.socket(family, kind)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
        if kind == socket.SOCK_STREAM:
            far.listen()
        near.connect(far.getsockname())
        held += [near, far]
        if kind == socket.SOCK_STREAM:
            held.append(far.accept()[0])
        near.setblocking(False)
        try:
            for _ in range(200):
                total += near.send(b"x" * 60_000)
        except BlockingIOError:
            pass
except OSError:
    pass
if ours:
    os.waitpid(-1, os.WNOHANG)
    time.sleep(1)
    assert total
    print(2 * total if family == socket.AF_UNIX else (pages() - before) * 4096)
else:
    time.sleep(2)
"""


@requirement
async def few_system_calls_are_left(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.put("probe.py", PROBE.encode())
    if await output_of(sandbox, "uname -m") == "x86_64":  # whose numbers these are
        assert await output_of(sandbox, "python3 probe.py") == ""


@requirement
async def buffers_of_sockets_are_memory(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.put("fill.py", FILL_BUFFERS.encode())
    for family, kind in ((1, 1), (1, 2), (2, 1), (2, 2)):
        filled = await sandbox.run(f"python3 fill.py {family} {kind}", timeout_s=60)
        if filled.exit_code == 0:  # and has not been killed
            assert int(filled.output) < 1100 * MIB, (family, kind, filled.output)
        else:
            assert filled.oom_kills, filled
        await sandbox.run("true", restart=True)


@requirement
async def what_a_shell_is_for_still_works(sandbox: Sandbox, _: Sandbox) -> None:
    for command in (
        "getent hosts localhost",
        "git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -mx",
        "python3 -c 'import multiprocessing as m; p = m.Pool(2); print(p.map(abs, [-1]))'",
        "python3 -c 'import subprocess, threading; subprocess.run([\"true\"])'",
        "python3 -m venv --without-pip v && v/bin/python -c 'import sqlite3'",
        "echo 'create table t(a); insert into t values (1);' | sqlite3 x.db && sqlite3 x.db .dump",
        "nice -n 5 timeout 5 sort -R <(seq 100) | head -1; ulimit -n 99; ulimit -t 9; renice 19 0",
        "for i in 1 2 3; do (sleep 0.1; echo $i) & done; wait; find . | xargs -P 4 ls >/dev/null",
    ):
        await output_of(sandbox, command)


@requirement
async def privileges_are_gone_and_cannot_return(sandbox: Sandbox, _: Sandbox) -> None:
    status = await output_of(sandbox, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status")
    facts = dict(line.split(":\t") for line in status.splitlines())
    assert {facts[f"Cap{kind}"].strip("0") for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {""}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    interfaces = await output_of(sandbox, "tail -n +3 /proc/net/dev | cut -d: -f1")
    assert "lo" in interfaces.split()
    assert not re.search(r"(?m)^ *(eth|en|wl|veth|tap)", interfaces)
    assert int(await output_of(sandbox, "id -u")) >= 1000
    assert await output_of(sandbox, "find / -xdev -perm /6000 -type f 2>/dev/null | wc -l") == "0"
    assert (await sandbox.run("ls /var/run/docker.sock /run/docker.sock")).exit_code == 2


@requirement
async def members_share_nothing(sandbox: Sandbox, other: Sandbox) -> None:
    plant = "echo mine | tee /work/f /tmp/f /dev/shm/f; sleep 65 & python3 -m http.server 8001 &"
    await asyncio.gather(sandbox.run(plant), still_works(other))
    result = await other.run("cat /work/f /tmp/f /dev/shm/f; curl -sm 2 localhost:8001")
    assert "mine" not in result.output
    assert await processes_named(other, "sleep 65") == ""


# --- files


@requirement
async def files_go_in_and_come_out(sandbox: Sandbox, _: Sandbox) -> None:
    data = bytes(range(256)) * 4000
    await sandbox.put("data/in.bin", data, read_only=True)
    assert await output_of(sandbox, "stat -c '%s %a' data/in.bin") == f"{len(data)} 444"
    assert await sandbox.get("/work/data/in.bin") == data
    await sandbox.put("/tmp/../tmp/x", b"")
    assert await sandbox.get("/tmp/x") == b""


@requirement
async def hostile_files_are_an_error_and_never_awaited(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run(
        "mkfifo fifo; mkdir dir; truncate -s 10G sparse; ln -s /etc/shadow secret;"
        "ln -s /dev/zero zero; ln -s fifo tofifo; ln -s loop loop"
    )
    names = ("fifo", "dir", "sparse", "secret", "zero", "tofifo", "loop", "missing")
    for name in (*names, "/dev/zero", "/dev/stdin", "/etc/shadow", "/proc/kmsg"):
        with pytest.raises(SandboxFileError):
            await sandbox.get(name)
    out = ("secret", "/etc/x", "/opt/sbx/run", "../usr/x")
    for name in ("fifo", "dir", "zero", "tofifo", "loop", *out):
        with pytest.raises(SandboxFileError):
            await sandbox.put(name, b"x")
    for name in ("", "a\0b", "x" * 5000, "\ud800"):
        with pytest.raises(SandboxFileError):
            await sandbox.get(name)


@requirement
async def sizes_are_bounded(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run("head -c 2000 /dev/zero > two; head -c 40M /dev/zero > large")
    assert len(await sandbox.get("two", 2000)) == 2000
    with pytest.raises(SandboxFileError, match="2000 bytes"):
        await sandbox.get("two", 1999)
    with pytest.raises(SandboxFileError):
        await sandbox.get("large")
    with pytest.raises(SandboxFileError):
        await sandbox.put("huge", bytes(40 * MIB))
    with pytest.raises(SandboxFileError):
        await sandbox.get("/proc/self/environ", 0)


@requirement
async def a_full_disk_is_a_file_error(sandbox: Sandbox, _: Sandbox) -> None:
    await sandbox.run("head -c 900M /dev/zero > big")
    with pytest.raises(SandboxFileError, match="space"):
        await sandbox.put("more", bytes(MIB))


@requirement
async def regular_files_are_listed_without_following_links(sandbox: Sandbox, _: Sandbox) -> None:
    assert await sandbox.list_files() == []
    await sandbox.run(
        "mkdir -p out/sub; echo a > out/a; echo bb > 'out/sub/b b'; ln -s / out/root;"
        "mkfifo out/fifo; ln -s /etc/passwd out/passwd; touch $'out/\\xff'"
    )
    found = await sandbox.list_files()
    assert [(file.path, file.size) for file in found] == [("a", 2), ("sub/b b", 3)]
    assert len(found.left_out) == 1
    await sandbox.run("touch out/{1..30}")
    found = await sandbox.list_files(max_files=20)
    assert len(found) == 20
    assert "beyond 20 files" in found.left_out[-1]


@requirement
async def an_enormous_command_is_refused_in_words(sandbox: Sandbox, _: Sandbox) -> None:
    result = await sandbox.run("true #" + "x" * MIB)
    assert result.exit_code is None
    assert "did not run" in result.note
    odd: ExecResult = await sandbox.run("echo \ud800 \0 \u202e ok")
    assert "ok" in odd.output
    assert "\u202e" not in odd.output
