import pytest

from langgraph_fusion.sandbox.member_sandbox import MemberSandbox
from tests.sandbox.conformance import REQUIREMENTS, Requirement

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda check: check.__name__)
async def test_a_docker_sandbox_meets_the_contract(
    requirement: Requirement, sandbox: MemberSandbox, other_sandbox: MemberSandbox
) -> None:
    await requirement(sandbox, other_sandbox)
