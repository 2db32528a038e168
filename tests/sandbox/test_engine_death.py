"""The engine dies under a command: a second engine, in namespaces of its own."""

import asyncio
import gc
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from langgraph_fusion.sandbox import ExecResult, SandboxPool, SandboxSettings, SandboxUnavailable
from tests.docker_engine import IMAGE, containers_of

pytestmark = [
    pytest.mark.docker,
    pytest.mark.usefixtures("require_docker"),
    # docker-py leaves its socket open when a connection is refused.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class SecondEngine:
    """A `dockerd` that shares neither network, mounts, socket nor data with the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for stale in ("docker.pid", "exec/containerd/containerd.pid"):
            (self.folder / stale).unlink(missing_ok=True)
        options = f"--data-root {self.folder}/data --exec-root {self.folder}/exec"
        options += f" -p {self.folder}/docker.pid -H {self.address} --bridge=none"
        options += " --iptables=false --ip6tables=false"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["unshare", "-n", "-m", "dockerd", *options.split()],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until = time.monotonic() + 30
        while subprocess.run(
            ["docker", "-H", self.address, "info"], capture_output=True
        ).returncode:
            assert time.monotonic() < until, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.2)

    def load_image(self) -> None:
        first = subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE)
        load = ["docker", "-H", self.address, "load"]
        subprocess.run(load, stdin=first.stdout, check=True, capture_output=True)
        if first.stdout:
            first.stdout.close()
        assert first.wait() == 0

    def kill(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)
        self._process.wait(30)
        if number is signal.SIGKILL:
            self._kill_left_over("containerd")

    def end(self) -> None:
        if self._process and self._process.poll() is None:
            self.kill(signal.SIGTERM)
        self._kill_left_over("")

    def _kill_left_over(self, name: str) -> None:
        """Kill what carries our own folder on its command line, and what that has started."""
        marker = str(self.folder).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker in line and line.split(b"\0")[0].endswith(name.encode()):
                os.kill(int(entry.name), signal.SIGKILL)


@pytest.fixture(scope="module")
def second_engine() -> Iterator[SecondEngine]:
    if os.getuid() != 0 or not shutil.which("dockerd") or not shutil.which("unshare"):
        if os.environ.get("REQUIRE_DOCKER") == "1":
            pytest.fail("a second engine needs root, dockerd and unshare")
        pytest.skip("a second engine needs root, dockerd and unshare")
    folder = Path(tempfile.mkdtemp(prefix="fusion-engine-"))
    engine = SecondEngine(folder)
    try:
        engine.start()
        engine.load_image()
        yield engine
    finally:
        engine.end()
        shutil.rmtree(folder, ignore_errors=True)


async def ending_of(call: "asyncio.Task[ExecResult]") -> str:
    try:
        return "replaced" if (await call).sandbox_reset else "result"
    except SandboxUnavailable:
        return "unavailable"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_an_engine_that_dies_under_a_command_is_unavailable_at_once(
    second_engine: SecondEngine, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", second_engine.address)
    run_id = f"tests-{secrets.token_hex(4)}"
    pool = SandboxPool(SandboxSettings(max_lifetime_s=30), run_id=run_id, members=1)
    async with pool:
        sandbox = pool.start("A")
        assert (await sandbox.run("echo ok")).output == "ok\n"
        call = asyncio.create_task(sandbox.run("sleep 93"))
        await asyncio.sleep(0.5)
        killing = asyncio.create_task(asyncio.to_thread(second_engine.kill, number))
        # Stopping politely, an engine first ends its containers while it still answers.
        assert await ending_of(call) in ("unavailable", "replaced")
        await killing
        began = time.monotonic()
        with pytest.raises(SandboxUnavailable):
            await sandbox.run("true")
    assert time.monotonic() - began < 15
    await asyncio.to_thread(second_engine.start)
    until = time.monotonic() + 35
    while containers_of(run_id):  # the guard, or the lifetime of 30 seconds
        assert time.monotonic() < until
        await asyncio.sleep(0.25)


@pytest.fixture(autouse=True)
def docker_py_cleans_up_here() -> Iterator[None]:
    """Collect the sockets docker-py left open where their warnings are expected."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
