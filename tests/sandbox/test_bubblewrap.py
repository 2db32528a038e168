"""The second implementation of the contract: the same list, less what it does not hold."""

import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings, SandboxUnavailable
from langgraph_fusion.sandbox.member_sandbox import MemberSandbox
from langgraph_fusion.sandbox.status import status
from tests.bubblewrap import SETTINGS
from tests.sandbox.conformance import REQUIREMENTS, Requirement

# A process gets no more memory, and says so itself; a tmpfs of bubblewrap counts no files.
NOT_MET = {
    "too_much_memory_ends_the_process_not_the_sandbox",
    "the_number_of_files_is_finite",
}
AGENT = b"/opt/sbx/sbx\0-I\0-S\0/opt/sbx/agent"
MET = [check for check in REQUIREMENTS if check.__name__ not in NOT_MET]


@pytest.fixture(scope="module")
async def pool(require_bubblewrap: None) -> AsyncIterator[SandboxPool]:
    run_id = f"tests-{secrets.token_hex(4)}"
    async with SandboxPool(SETTINGS, run_id=run_id, members=4) as opened:
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


@pytest.mark.parametrize("requirement", MET, ids=lambda check: check.__name__)
async def test_a_bubblewrap_sandbox_meets_the_contract(
    requirement: Requirement, sandbox: MemberSandbox, other_sandbox: MemberSandbox
) -> None:
    await requirement(sandbox, other_sandbox)


def test_what_is_not_met_is_a_requirement() -> None:
    assert {check.__name__ for check in REQUIREMENTS} >= NOT_MET


async def test_no_file_of_this_machine_is_seen_but_its_programs(sandbox: MemberSandbox) -> None:
    listed = await sandbox.run("ls -A / /etc /home /root /var /sys 2>/dev/null; echo $HOME")
    for hidden in ("home", "root", "var", "sys", "shadow", "hostname", "environment"):
        assert hidden not in listed.output.split()
    assert (await sandbox.run(f"ls {Path(__file__).parent}")).exit_code != 0


async def test_a_sandbox_ends_with_its_application(require_bubblewrap: None) -> None:
    before = agents()
    pool = SandboxPool(SETTINGS, run_id="tests", members=1)
    async with pool:
        await pool.start("A").run("setsid sleep 300 & true")
        assert len(agents() - before) == 1
    assert agents() <= before


def agents() -> set[str]:
    """Process ids of the first processes of bubblewrap sandboxes on this machine."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cmdline").read_bytes().startswith(AGENT):
                found.add(entry.name)
        except OSError:
            continue
    return found


async def test_a_sandbox_ends_with_its_lifetime(require_bubblewrap: None) -> None:
    settings = SandboxSettings(kind="bubblewrap", max_lifetime_s=5)
    async with SandboxPool(settings, run_id="tests", members=1) as pool:
        sandbox = pool.start("A")
        assert (await sandbox.run("sleep 60", timeout_s=50)).sandbox_reset
        assert (await sandbox.run("echo again")).output == "again\n"


async def test_a_machine_without_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailable, match="Install `bubblewrap`"):
        async with SandboxPool(SETTINGS, run_id="tests", members=1):
            pytest.fail("the pool must not open")
    assert shutil.which("bwrap") is None


def test_what_it_cannot_do_is_refused_when_it_is_asked_for() -> None:
    for wish in ({"allow_hosts": ["example.org"]}, {"runtime": "runsc"}):
        with pytest.raises(ValidationError, match="Use docker"):
            SandboxSettings.model_validate({"kind": "bubblewrap"} | wish)


async def test_status_and_pool_say_what_is_not_held(require_bubblewrap: None) -> None:
    found = await status(SETTINGS)
    assert found.ready
    assert "not held: memory of all processes" in found.checks[-1].detail
    assert "memory" in SandboxPool(SETTINGS, run_id="tests", members=1).not_held
    assert SandboxPool(SandboxSettings(), run_id="tests", members=1).not_held == ""


async def test_status_without_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (check,) = (await status(SETTINGS)).checks
    assert not check.ok
    assert "Install `bubblewrap`" in check.detail
