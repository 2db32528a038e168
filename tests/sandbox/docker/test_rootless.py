"""An engine of a user without the processor's controller; `cgroup_v2/job.sh` starts one."""

import os

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings, SandboxUnavailable
from langgraph_fusion.sandbox.docker.engine import connect, engine_info, ignored_limits
from langgraph_fusion.sandbox.status import status


@pytest.fixture
def undelegated() -> None:
    if os.getuid() == 0 or not os.environ.get("DOCKER_HOST", "").startswith("unix:///run/user/"):
        pytest.skip("no engine of a user")
    client = connect()
    ignored = ignored_limits(engine_info(client))
    client.close()
    if not ignored:
        pytest.skip("this engine holds every limit")


@pytest.mark.usefixtures("undelegated")
async def test_an_undelegated_engine_is_refused_with_its_reason() -> None:
    with pytest.raises(SandboxUnavailable, match="silently ignore these limits: CpuCfsQuota"):
        async with SandboxPool(SandboxSettings(), run_id="tests", members=1):
            pytest.fail("the pool must not open")
    found = {check.name: check for check in (await status(SandboxSettings())).checks}
    assert found["engine"].ok
    assert not found["limits"].ok
    assert found["limits"].detail == "cgroup v2; ignored: CpuCfsQuota"
    assert "delegate" in found["limits"].fix
