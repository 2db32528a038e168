"""A real gVisor as the engine's runtime, where one is installed."""

import shutil
from pathlib import Path

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings, SandboxUnavailable
from tests.sandbox.second_engine import open_sockets_collected, running_engine

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("require_docker")]


async def test_gvisor_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("runsc") is None:
        pytest.skip("gVisor is not installed")
    program = tmp_path / "runsc"
    program.write_text(
        '#!/bin/sh\nexec runsc --platform=ptrace --network=none --ignore-cgroups "$@"\n'
    )
    program.chmod(0o755)
    with open_sockets_collected(), running_engine(runtimes={"runsc": str(program)}) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        settings = SandboxSettings(runtime="runsc")
        async with SandboxPool(settings, run_id="tests", members=1) as pool:
            with pytest.raises(SandboxUnavailable, match=r"may not be read.*Unset `runtime`"):
                await pool.start("A").run("true")
