"""Kill the Docker tests at random moments, then look for containers they left.

    python -m bench.sandbox.kills

A container is ours by its label, and left behind when its owner is dead. What the tests have
started dies with them, commands of `fusion` and second engines included.
"""

import argparse
import asyncio
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from docker import DockerClient

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.docker.engine import connect
from langgraph_fusion.sandbox.docker.reaper import LABEL, is_orphan

ROOT = Path(__file__).parents[2]
# Named one by one: to collect all tests takes long, and a kill meanwhile finds no container.
TESTS = [
    str(file)
    for file in sorted(ROOT.glob("tests/**/test_*.py"))
    if "mark.docker" in file.read_text()
]
SUITE = [sys.executable, "-m", "pytest", "-m", "docker", "-q", "-p", "no:cacheprovider"]
GONE_AFTER_S = 2.0
EARLIEST_S = 1.0


def main(kills: int, length_s: float | None) -> int:
    client = connect()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = os.environ | {
            "TMPDIR": folder,
            "REQUIRE_DOCKER": "1",
            "PYTHONUNBUFFERED": "1",
        }
        length_s = length_s or measured_length(environment)
        before = {found["Id"] for found in left_behind(client, running=False)}
        failures = sum(kill_once(client, environment, length_s) for _ in range(kills))
    created = left_behind(client, running=False)
    print(f"before the next start: {len(created)} containers exist")
    asyncio.run(start_once())
    left = [found for found in left_behind(client, running=False) if found["Id"] not in before]
    print(f"after the next start: {len(left)} containers exist{names(left)}")
    client.close()
    return 1 if failures or left else 0


def measured_length(environment: dict[str, str]) -> float:
    """Seconds the tests take when nobody kills them."""
    began = time.monotonic()
    done = subprocess.run([*SUITE, *TESTS], env=environment, capture_output=True, text=True)
    print(f"not killed: {done.stdout.strip().splitlines()[-1]}", flush=True)
    return time.monotonic() - began


def kill_once(client: DockerClient, environment: dict[str, str], length_s: float) -> bool:
    """Whether a container of ours still ran when it should have been gone."""
    seconds = random.uniform(EARLIEST_S, length_s)
    tests_ran = kill_suite_after(seconds, environment)
    killed = time.monotonic()
    orphaned = len(left_behind(client, running=True))
    time.sleep(max(0.0, killed + GONE_AFTER_S - time.monotonic()))
    running = left_behind(client, running=True)
    print(
        f"killed after {seconds:5.1f} s, {tests_ran:3} tests done, {orphaned} containers orphaned: "
        f"{len(running)} running {GONE_AFTER_S:.0f} s later{names(running)}",
        flush=True,
    )
    return bool(running)


def kill_suite_after(seconds: float, environment: dict[str, str]) -> int:
    """Start the tests in any order of files, kill them, and say how many had passed."""
    command = [*SUITE, *random.sample(TESTS, len(TESTS))]
    with tempfile.TemporaryFile("w+") as output:
        suite = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, env=environment)
        try:
            suite.wait(seconds)
        except subprocess.TimeoutExpired:
            suite.send_signal(signal.SIGKILL)
            suite.wait()
        output.seek(0)
        return sum(line.partition("[")[0].count(".") for line in output)


def left_behind(client: DockerClient, *, running: bool) -> list[dict[str, Any]]:
    """Containers of ours whose owner is dead; those of a living owner are none of our business."""
    found = client.api.containers(all=not running, filters={"label": f"{LABEL}=1"})
    return [each for each in found if is_orphan(each["Labels"])]


def names(containers: list[dict[str, Any]]) -> str:
    return "".join(
        f"\n    {each['Id'][:12]} {each['Status']} {each['Labels']}" for each in containers
    )


async def start_once() -> None:
    """What the next run of the application does first."""
    async with SandboxPool(SandboxSettings(), run_id=f"kills-{secrets.token_hex(4)}", members=1):
        return


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--length-s", type=float, help="how long the tests take; else measured")
    options = parser.parse_args()
    sys.exit(main(options.kills, options.length_s))
