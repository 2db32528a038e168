import secrets
from collections.abc import AsyncIterator

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.member_sandbox import MemberSandbox
from tests.bubblewrap import require_bubblewrap
from tests.docker_engine import require_docker

__all__ = ["require_bubblewrap", "require_docker"]


@pytest.fixture(scope="session")
async def pool(require_docker: None) -> AsyncIterator[SandboxPool]:
    run_id = f"tests-{secrets.token_hex(4)}"
    async with SandboxPool(SandboxSettings(), run_id=run_id, members=4) as opened:
        yield opened


@pytest.fixture
async def sandbox(pool: SandboxPool) -> AsyncIterator[MemberSandbox]:
    started = pool.start("A")
    yield started
    await started.close()


@pytest.fixture(scope="module")
async def other_sandbox(pool: SandboxPool) -> AsyncIterator[MemberSandbox]:
    started = pool.start("B")
    yield started
    await started.close()
