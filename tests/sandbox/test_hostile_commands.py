"""A command that kills its own sandbox is a result: whatever it does, whatever came before."""

import asyncio
import contextlib
import os
import secrets
import threading
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from langgraph_fusion.sandbox import ExecResult, SandboxFileError, SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.member_sandbox import MemberSandbox
from tests.sandbox.hostile import SEQUENCES, SLOW

pytestmark = pytest.mark.timeout(900)

MEMBERS = 6
BATCHES = int(os.environ.get("HOSTILE_BATCHES", "15"))
"""Batches of one sequence a member, which mostly wait; about 50 commands in 3 seconds."""


class InLoop:
    """A pool in an event loop of its own thread, for tests that Hypothesis calls."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def loop() -> Iterator[InLoop]:
    opened = InLoop()
    yield opened
    opened.end()


@pytest.fixture(
    scope="module", params=[pytest.param("docker", marks=pytest.mark.docker), "bubblewrap"]
)
def sandboxes(loop: InLoop, request: pytest.FixtureRequest) -> Iterator[list[MemberSandbox]]:
    request.getfixturevalue(f"require_{request.param}")
    limits = SandboxSettings(
        kind=request.param, max_processes=64, memory_mb=384, work_mb=32, tmp_mb=16
    )
    pool = SandboxPool(limits, run_id=f"tests-{secrets.token_hex(4)}", members=MEMBERS)

    async def open_pool() -> list[MemberSandbox]:
        await pool.__aenter__()
        return [pool.start(f"M{number}") for number in range(MEMBERS)]

    yield loop.do(open_pool())
    loop.do(pool.__aexit__(None, None, None))


async def survives(sandbox: MemberSandbox, commands: Sequence[str]) -> None:
    """Every command has a result, files go in and out or say why not, and a restart heals."""
    for command in commands:
        result = await sandbox.run(command, timeout_s=0.7)
        assert isinstance(result, ExecResult)
        assert result.exit_code is not None or result.note or result.timed_out
    for call in (sandbox.put("file", b"data"), sandbox.get("file"), sandbox.list_files()):
        with contextlib.suppress(SandboxFileError):
            await call
    result = await sandbox.run("echo alive", restart=True, timeout_s=10)
    if result.sandbox_reset:  # said, and the command did not run
        result = await sandbox.run("echo alive", timeout_s=10)
    assert (result.exit_code, result.output) == (0, "alive\n"), (commands, result)


async def all_survive(sandboxes: list[MemberSandbox], batch: Sequence[Sequence[str]]) -> None:
    await asyncio.gather(*map(survives, sandboxes, batch))


@settings(
    max_examples=BATCHES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(batch=st.lists(SEQUENCES, min_size=MEMBERS, max_size=MEMBERS))
def test_every_hostile_sequence_ends_as_results(
    loop: InLoop, sandboxes: list[MemberSandbox], batch: list[list[str]]
) -> None:
    loop.do(all_survive(sandboxes, batch))


def test_stopping_the_supervision_ends_as_results(
    loop: InLoop, sandboxes: list[MemberSandbox]
) -> None:
    loop.do(all_survive(sandboxes, [[command] for command in SLOW]))
