"""A process that was written down: alive, gone, replaced, or out of sight."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from langgraph_fusion.sandbox.docker.reaper import LABEL, is_orphan, owner_labels
from langgraph_fusion.sandbox.process_identity import ProcessIdentity

ME = ProcessIdentity.current()
NO_SUCH_PROCESS = 4_194_304


def test_this_process_lives_and_others_of_its_number_do_not() -> None:
    assert ME.is_alive() is True
    assert replace(ME, started="1").is_alive() is False
    assert replace(ME, pid=NO_SUCH_PROCESS).is_alive() is False


def test_what_ran_elsewhere_is_unknown() -> None:
    for scope in ("", "another boot/pid:[1]"):
        assert replace(ME, scope=scope, pid=NO_SUCH_PROCESS).is_alive() is None


def test_a_process_that_ended_and_was_not_waited_for_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    identity = replace(ME, pid=process.pid, started=started)
    assert identity.is_alive() is True
    assert process.stdin
    process.stdin.close()
    while "Z" not in Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]:
        pass
    assert identity.is_alive() is False
    process.wait()


@pytest.mark.parametrize("hidepid", [1, 2])
def test_a_process_that_the_kernel_hides_is_not_taken_for_dead(hidepid: int) -> None:
    if os.getuid() != 0:
        pytest.skip("mounting /proc with `hidepid` needs root")
    code = (
        "import json, os, sys; from langgraph_fusion.sandbox.docker.reaper import is_orphan;"
        "os.setgroups([]); os.setresgid(61000, 61000, 61000); os.setresuid(61000, 61000, 61000);"
        f"print(os.access('/proc/{ME.pid}/stat', os.R_OK), is_orphan(json.loads(sys.argv[1])))"
    )
    mounted = f"mount -t proc -o hidepid={hidepid} proc /proc"
    ran = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", f'{mounted} && exec "$@"', "sh"),
            *(sys.executable, "-c", code, json.dumps(owner_labels("run", "A", 60))),
        ],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout == "False False\n", ran


def test_a_clock_that_jumps_ends_nobodys_container() -> None:
    labels = owner_labels("run", "A", 60)
    assert not is_orphan(labels | {f"{LABEL}.expires": "1"})
    assert is_orphan(labels | {f"{LABEL}.uptime": "1"})
    elsewhere = labels | {f"{LABEL}.scope": "another boot/pid:[1]", f"{LABEL}.uptime": "1"}
    assert not is_orphan(elsewhere)
    assert is_orphan(elsewhere | {f"{LABEL}.expires": "1"})
