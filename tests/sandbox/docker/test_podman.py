"""A real Podman behind Docker's interface, run by whoever runs the tests, root or not."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings, SandboxUnavailable
from langgraph_fusion.sandbox.status import status


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its version, while it serves where `DOCKER_HOST` says; fails if `REQUIRE_PODMAN=1`."""
    program = shutil.which("podman")
    if program is None:
        if os.environ.get("REQUIRE_PODMAN") == "1":
            pytest.fail("Podman is not installed")
        pytest.skip("Podman is not installed")
    folder = Path(tempfile.mkdtemp(prefix="fusion-podman-"))
    service = subprocess.Popen(
        [
            *(program, "--storage-driver", "vfs"),
            *("--root", f"{folder}/root", "--runroot", f"{folder}/run"),
            *("system", "service", "--time", "0", f"unix://{folder}/socket"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 60
        while not (folder / "socket").exists():
            assert service.poll() is None, "podman did not start"
            assert time.monotonic() < until
            time.sleep(0.1)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/socket")
        yield subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split()[
            -1
        ]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(service.pid, signal.SIGTERM)
        service.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


async def test_podman_is_recognised_and_refused_with_its_reason(podman: str) -> None:
    with pytest.raises(SandboxUnavailable, match="`nr_inodes`"):
        async with SandboxPool(SandboxSettings(), run_id="tests", members=1):
            pytest.fail("the pool must not open")
    found = await status(SandboxSettings())
    assert not found.ready
    assert (found.checks[0].name, found.checks[0].ok) == ("engine", False)
    assert found.checks[0].detail == f"Podman {podman} is not used"
    assert "bubblewrap" in found.checks[0].fix
