"""What the supervisor reads of the kernel, on both versions of control groups."""

from pathlib import Path

import pytest

from langgraph_fusion.sandbox.in_container.supervisor import (
    Counters,
    Output,
    exit_code,
    interfaces_up,
    limits,
)

V1 = {
    "memory/memory.limit_in_bytes": "1073741824\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "pids/pids.max": "128\n",
    "pids/pids.events": "max 7\n",
    "cpu/cpu.cfs_quota_us": "150000\n",
    "cpu/cpu.cfs_period_us": "100000\n",
}
V2 = {
    "memory.max": "1073741824\n",
    "memory.events": "low 0\nhigh 0\nmax 40\noom 5\noom_kill 3\noom_group_kill 0\n",
    "pids.max": "128\n",
    "pids.events": "max 7\n",
    "cpu.max": "150000 100000\n",
}
UNLIMITED = {"memory.max": "max\n", "pids.max": "max\n", "cpu.max": "max 100000\n"}


def control_group(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return str(root)


@pytest.mark.parametrize("files", [V1, V2], ids=["v1", "v2"])
def test_limits_and_counters_are_read(tmp_path: Path, files: dict[str, str]) -> None:
    root = control_group(tmp_path, files)
    assert limits(root) == {"memory": 1 << 30, "processes": 128, "cpus": 1.5}
    counters = Counters(root)
    assert (counters.oom_kills, counters.pids_max_hits) == (3, 7)


def test_no_limit_is_none_and_not_a_number(tmp_path: Path) -> None:
    nothing = {"memory": None, "processes": None, "cpus": None}
    assert limits(str(tmp_path)) == nothing
    assert limits(control_group(tmp_path, UNLIMITED)) == nothing


def test_only_interfaces_that_are_up_count(tmp_path: Path) -> None:
    for name, flags in {"lo": "0x9", "tunl0": "0x80", "eth0": "0x1003"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "flags").write_text(flags + "\n")
    assert interfaces_up(str(tmp_path)) == ["eth0", "lo"]


def test_output_keeps_its_ends_in_constant_memory() -> None:
    output = Output(-1, 10, 5)
    for _ in range(1000):
        output.add(b"0123456789ab")
    assert bytes(output.head) == b"0123456789"
    assert bytes(output.tail) == b"789ab"
    assert output.total == 12_000


def test_exit_codes_are_a_shells() -> None:
    assert [exit_code(status) for status in (None, 0, 3 << 8, 9)] == [None, 0, 3, 137]
