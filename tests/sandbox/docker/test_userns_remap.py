"""An engine that maps the containers' users to unprivileged ones of the host does the same."""

import secrets
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.member_sandbox import MemberSandbox
from tests.sandbox import conformance
from tests.sandbox.conformance import Requirement, denied
from tests.sandbox.second_engine import (
    FIRST_ID,
    IDS,
    SecondEngine,
    meets_its_engines_death,
    open_sockets_collected,
    running_engine,
)

pytestmark = [
    pytest.mark.docker,
    pytest.mark.usefixtures("require_docker"),
    # docker-py leaves its socket open when a connection is refused.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# Where other users could make a difference: rights, signals, limits and files.
TOUCHED_BY_USERS = [
    conformance.a_child_in_a_session_of_its_own_is_killed_too,
    conformance.directory_and_environment_persist,
    conformance.a_timeout_keeps_what_was_printed,
    conformance.a_cancelled_call_kills_its_command,
    conformance.a_fork_bomb_ends_and_files_are_kept,
    conformance.killing_everything_spares_files_and_environment,
    conformance.too_much_memory_ends_the_process_not_the_sandbox,
    conformance.disks_are_finite_and_the_system_is_read_only,
    conformance.privileges_are_gone_and_cannot_return,
    conformance.files_go_in_and_come_out,
    conformance.hostile_files_are_an_error_and_never_awaited,
    *map(
        denied,
        (
            "other users' environment",
            "flooding the engine's log",
            "kernel settings",
            "mounts",
            "a namespace",
            "a set-uid copy",
            "the supervision's descriptors",
        ),
    ),
]


@pytest.fixture(scope="module")
def engine(require_docker: None) -> Iterator[SecondEngine]:
    with running_engine(remapped=True) as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", started.address)
        yield started


@pytest.fixture(autouse=True)
def docker_py_cleans_up_here() -> Iterator[None]:
    with open_sockets_collected():
        yield


@pytest.fixture(scope="module")
async def remapped_pool(engine: SecondEngine) -> AsyncIterator[SandboxPool]:
    run_id = f"tests-{secrets.token_hex(4)}"
    async with SandboxPool(SandboxSettings(), run_id=run_id, members=2) as opened:
        yield opened


@pytest.fixture(scope="module")
async def remapped(remapped_pool: SandboxPool) -> MemberSandbox:
    return remapped_pool.start("A")


@pytest.fixture(scope="module")
async def other_remapped(remapped_pool: SandboxPool) -> MemberSandbox:
    return remapped_pool.start("B")


async def test_commands_are_users_that_the_host_does_not_know(remapped: MemberSandbox) -> None:
    result = await remapped.run("cat /proc/self/uid_map /proc/self/gid_map; id -u")
    *maps, uid = result.output.split()
    assert maps == ["0", str(FIRST_ID), str(IDS)] * 2
    assert 20_000 <= int(uid) < 60_000


@pytest.mark.parametrize("requirement", TOUCHED_BY_USERS, ids=lambda check: check.__name__)
async def test_a_remapped_sandbox_meets_the_contract(
    requirement: Requirement, remapped: MemberSandbox, other_remapped: MemberSandbox
) -> None:
    await remapped.run("cd /work && rm -rf -- * /tmp/*", restart=True)
    await requirement(remapped, other_remapped)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_the_death_of_a_remapping_engine_is_said_at_once(
    engine: SecondEngine, number: signal.Signals
) -> None:
    await meets_its_engines_death(engine, number)
