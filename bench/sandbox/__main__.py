"""Time sandboxes beside plain `docker exec` in the same run: python -m bench.sandbox."""

import argparse
import asyncio
import contextlib
import secrets
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

from docker import DockerClient
from docker.models.containers import Container

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.docker.engine import connect

MIB = 1 << 20
GIGABYTE = 1_000_000_000
PRINT_A_GIGABYTE = f"head -c {GIGABYTE} /dev/zero"

Call = Callable[[], Awaitable[object]]


async def main(members: list[int], commands: int) -> None:
    settings = SandboxSettings()
    print(f"{'':32}{'members':>8}{'p50':>10}{'max':>10}")
    for count in members:
        await bench_sandboxes(settings, count, commands)
        if shutil.which("bwrap"):
            await bench_sandboxes(SandboxSettings(kind="bubblewrap"), count, commands)
        await bench_plain_exec(settings, count, commands)
    print()
    print(f"{'1 GB of output':32}{'seconds':>8}{'our memory, MiB more at the peak':>40}")
    await bench_output(settings)
    bench_plain_output(settings)


async def bench_sandboxes(settings: SandboxSettings, count: int, commands: int) -> None:
    run_id = f"bench-{secrets.token_hex(4)}"
    name = "bubblewrap " if settings.kind == "bubblewrap" else ""
    async with SandboxPool(settings, run_id=run_id, members=count) as pool:
        began = time.perf_counter()
        sandboxes = [pool.start(f"M{seat}") for seat in range(count)]
        ready = await asyncio.gather(*(seconds_of(sandbox.list_files) for sandbox in sandboxes))
        print_row(f"{name}sandbox ready", count, ready, whole=time.perf_counter() - began)
        calls: list[Call] = [partial(sandbox.run, "true") for sandbox in sandboxes]
        print_row(f"{name}sandbox.run('true')", count, await flat_out(calls, commands))


async def bench_plain_exec(settings: SandboxSettings, count: int, commands: int) -> None:
    with plain_containers(settings, count) as (containers, ready):
        print_row("plain container ready", count, ready)
        calls: list[Call] = [
            partial(asyncio.to_thread, container.exec_run, ["true"]) for container in containers
        ]
        print_row("plain docker exec 'true'", count, await flat_out(calls, commands))


async def bench_output(settings: SandboxSettings) -> None:
    run_id = f"bench-{secrets.token_hex(4)}"
    async with SandboxPool(settings, run_id=run_id, members=1) as pool:
        sandbox = pool.start("A")
        await sandbox.run("true")
        with PeakMemory() as memory:
            seconds = await seconds_of(lambda: sandbox.run(PRINT_A_GIGABYTE, timeout_s=120))
    print_output("sandbox.run", seconds, memory)


def bench_plain_output(settings: SandboxSettings) -> None:
    with plain_containers(settings, 1) as (containers, _), PeakMemory() as memory:
        began = time.perf_counter()
        containers[0].exec_run(["/bin/sh", "-c", PRINT_A_GIGABYTE])
        seconds = time.perf_counter() - began
    print_output("plain docker exec", seconds, memory)


@contextlib.contextmanager
def plain_containers(
    settings: SandboxSettings, count: int
) -> Iterator[tuple[list[Container], list[float]]]:
    """Containers without any of our locks but the network's, one started after the other."""
    client: DockerClient = connect()
    containers, ready = [], []
    try:
        for _ in range(count):
            began = time.perf_counter()
            command = ["sleep", "600"]
            containers.append(
                client.containers.run(settings.image, command, network_mode="none", detach=True)
            )
            ready.append(time.perf_counter() - began)
        yield containers, ready
    finally:
        for container in containers:
            container.remove(force=True)
        client.close()


async def flat_out(calls: list[Call], commands: int) -> list[float]:
    """Every member sends one command after the other; the seconds each command took."""

    async def member(call: Call) -> list[float]:
        return [await seconds_of(call) for _ in range(commands)]

    return [seconds for each in await asyncio.gather(*map(member, calls)) for seconds in each]


async def seconds_of(call: Call) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


class PeakMemory:
    """How many MiB our process grew by, looked at every 10 ms."""

    def __enter__(self) -> "PeakMemory":
        self._ended = threading.Event()
        self._before = self._peak = resident_mb()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def growth_mb(self) -> float:
        return self._peak - self._before

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            self._peak = max(self._peak, resident_mb())


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / MIB


def print_row(name: str, members: int, seconds: list[float], whole: float | None = None) -> None:
    times = f"{statistics.median(seconds) * 1000:>7.0f} ms{max(seconds) * 1000:>7.0f} ms"
    print(f"{name:32}{members:>8}{times}" + (f"   all in {whole:.2f} s" if whole else ""))


def print_output(name: str, seconds: float, memory: PeakMemory) -> None:
    print(f"{name:32}{seconds:>7.1f}s{memory.growth_mb:>40.0f}")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--commands", type=int, default=10, help="commands a member runs")
    options = parser.parse_args()
    asyncio.run(main(options.members, options.commands))
