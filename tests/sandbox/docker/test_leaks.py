"""Whatever ends the application, its containers go with it."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings, SandboxUnavailable
from langgraph_fusion.sandbox.docker.container_spec import container_flags
from langgraph_fusion.sandbox.docker.engine import connect
from langgraph_fusion.sandbox.docker.reaper import LABEL, owner_labels, reap
from tests.cli.processes import DIES_WITH_US
from tests.docker_engine import IMAGE, containers_of

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("require_docker")]

ROOT = Path(__file__).parents[3]
APPLICATION = Path(__file__).with_name("application.py")


def new_run() -> str:
    return f"tests-{secrets.token_hex(4)}"


@contextlib.contextmanager
def application(run_id: str, members: int = 4) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [*DIES_WITH_US, sys.executable, str(APPLICATION), run_id, str(members)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def wait_until_gone(run_id: str, *, running_only: bool = True) -> None:
    """Wait until the engine knows no container of the run; the test's own timeout ends it."""
    while containers_of(run_id, running_only=running_only):
        time.sleep(0.05)


def watchdogs_of(run_id: str) -> list[str]:
    found = subprocess.run(["pgrep", "-f", f"watchdog.py {run_id}"], capture_output=True, text=True)
    return found.stdout.split()


def read_line(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdout
    return process.stdout.readline()


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    opened = connect()
    yield opened
    opened.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_to_a_busy_application_leaves_no_container(number: signal.Signals) -> None:
    run_id = new_run()
    with application(run_id) as process:
        assert read_line(process) == b"open\n"
        assert read_line(process) == b"busy\n"
        assert len(containers_of(run_id, running_only=True)) == 4
        process.send_signal(number)
        wait_until_gone(run_id)
    wait_until_gone(run_id, running_only=False)


def test_a_kill_at_any_moment_of_the_start_leaves_nothing() -> None:
    runs = [new_run() for _ in range(10)]
    for attempt, run_id in enumerate(runs):
        with application(run_id) as process:
            assert read_line(process) == b"open\n"
            time.sleep(attempt * 0.07)
            process.kill()
            process.wait()
            wait_until_gone(run_id)
    for run_id in runs:
        # What was created and never started, the watchdog removes.
        wait_until_gone(run_id, running_only=False)


async def test_leaving_at_once_removes_what_is_still_being_created() -> None:
    run_id = new_run()
    async with SandboxPool(SandboxSettings(), run_id=run_id, members=4) as pool:
        for seat in "ABCD":
            pool.start(seat)
        await asyncio.sleep(0.05)
    wait_until_gone(run_id, running_only=False)  # on a slow engine the watchdog does the rest


@pytest.mark.parametrize("after_s", [0.0, 0.02, 1.0], ids=["at_once", "opening", "busy"])
async def test_cancelling_a_run_twice_still_removes_everything(after_s: float) -> None:
    run_id = new_run()

    async def run() -> None:
        async with SandboxPool(SandboxSettings(), run_id=run_id, members=2) as pool:
            await asyncio.gather(*(pool.start(seat).run("sleep 90") for seat in "AB"))

    task = asyncio.create_task(run())
    await asyncio.sleep(after_s)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    wait_until_gone(run_id, running_only=False)
    assert watchdogs_of(run_id) == []


async def test_a_container_ends_with_its_lifetime_under_a_command() -> None:
    run_id = new_run()
    settings = SandboxSettings(max_lifetime_s=5)
    async with SandboxPool(settings, run_id=run_id, members=1) as pool:
        sandbox = pool.start("A")
        await sandbox.run("true")
        result = await sandbox.run("sleep 94", timeout_s=60)
        assert result.sandbox_reset
        assert "all files and state are lost" in result.note


def test_a_container_whose_engine_lost_its_owner_ends_with_its_lifetime(
    client: docker.DockerClient,
) -> None:
    run_id = new_run()
    settings = SandboxSettings(max_lifetime_s=5)
    flags = container_flags(settings, owner_labels(run_id, "A", 5))
    # A terminal's end stays open inside the engine: there is no life-line to close.
    flags["tmpfs"].pop("/dev/pts")
    container = client.containers.create(**flags | {"tty": True})
    container.start()
    assert containers_of(run_id, running_only=True)
    wait_until_gone(run_id, running_only=False)


async def test_nothing_a_command_writes_reaches_the_hosts_disk(
    client: docker.DockerClient,
) -> None:
    run_id = new_run()
    async with SandboxPool(SandboxSettings(), run_id=run_id, members=1) as pool:
        await pool.start("A").run(
            "for place in /work /tmp /dev/shm /run/sbx; do head -c 5M /dev/zero > $place/f; done;"
            "yes | head -c 5M; head -c 5M /dev/zero > /proc/1/fd/1; echo > /etc/f; echo > /x"
        )
        (found,) = await asyncio.to_thread(
            client.api.containers, size=True, filters={"label": f"{LABEL}.run={run_id}"}
        )
        about = await asyncio.to_thread(client.api.inspect_container, found["Id"])
    assert found.get("SizeRw", 0) == 0
    assert about["LogPath"] == ""
    assert about["Mounts"] == []


def plant(client: docker.DockerClient, labels: dict[str, str], *, start: bool) -> str:
    command = ["sleep", "60"]
    container = client.containers.create(IMAGE, command, labels=labels, network_mode="none")
    if start:
        container.start()
    return str(container.id)


def test_the_reaper_removes_orphans_and_nothing_of_a_living_owner(
    client: docker.DockerClient,
) -> None:
    run_id = new_run()
    mine = owner_labels(run_id, "A", 600)
    orphans = [
        (mine | {f"{LABEL}.pid": "4194304"}, False),
        (mine | {f"{LABEL}.pid": "4194304"}, True),
        (mine | {f"{LABEL}.pidstart": "1"}, True),
        (mine | {f"{LABEL}.uptime": "1"}, False),
        (mine | {f"{LABEL}.uptime": "garbage"}, False),
    ]
    elsewhere = mine | {f"{LABEL}.scope": "another boot/pid:[1]", f"{LABEL}.pid": "4194304"}
    unknown = mine | {f"{LABEL}.scope": "", f"{LABEL}.pid": "4194304"}
    planted = [plant(client, labels, start=start) for labels, start in orphans]
    kept = [plant(client, labels, start=False) for labels in (mine, elsewhere, unknown)]
    try:
        reap(client)  # or whoever else looks for orphans on this engine was first
        for _ in range(100):
            if len(containers_of(run_id)) == len(kept):
                break
            time.sleep(0.1)
        assert sorted(containers_of(run_id)) == sorted(kept)
    finally:
        for container_id in [*planted, *kept]:
            with contextlib.suppress(docker.errors.NotFound):
                client.api.remove_container(container_id, force=True)


async def test_a_closed_pool_and_a_closed_sandbox_say_so() -> None:
    pool = SandboxPool(SandboxSettings(), run_id=new_run(), members=1)
    with pytest.raises(SandboxUnavailable, match="closed"):
        pool.start("A")
    async with pool:
        sandbox = pool.start("A")
        busy = asyncio.create_task(sandbox.run("sleep 91"))
        await asyncio.sleep(0.8)
        await sandbox.close()
        await sandbox.close()
        with pytest.raises(SandboxUnavailable, match="closed"):
            await busy
    with pytest.raises(SandboxUnavailable, match="closed"):
        await sandbox.run("true")
