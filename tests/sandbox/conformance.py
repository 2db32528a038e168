"""What any implementation of the sandbox contract must withstand, one function a requirement.

Each takes a fresh sandbox of at most 1 GiB, 128 processes, 256 MiB in /work and no network, and one
of another member, which may be the same for all. A new implementation runs the same list:
parametrise a test with `REQUIREMENTS` and await each with its own sandboxes.
"""

import asyncio
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


# --- what it may not do


DENIED = {
    "other users' environment": "cat /proc/1/environ",
    "other users' descriptors": "ls /proc/1/fd",
    "flooding the engine's log": "head -c 1000 /dev/zero > /proc/1/fd/1",
    "kernel memory": "head -c 1 /proc/kcore",
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
}


def denied(what: str) -> Requirement:
    async def a_command_is_denied(sandbox: Sandbox, _: Sandbox) -> None:
        result = await sandbox.run(DENIED[what], timeout_s=10)
        assert result.exit_code not in (0, None), result
        assert not result.sandbox_reset

    a_command_is_denied.__name__ += f" ({what})"
    return a_command_is_denied


REQUIREMENTS += [denied(what) for what in DENIED]


@requirement
async def privileges_are_gone_and_cannot_return(sandbox: Sandbox, _: Sandbox) -> None:
    status = await output_of(sandbox, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status")
    facts = dict(line.split(":\t") for line in status.splitlines())
    assert {facts[f"Cap{kind}"].strip("0") for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {""}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert await output_of(sandbox, "ls /sys/class/net") == "lo"
    assert int(await output_of(sandbox, "id -u")) >= 20_000
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
