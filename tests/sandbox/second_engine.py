"""A second engine in namespaces of its own, to be killed or to be run with other options."""

import asyncio
import contextlib
import gc
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from langgraph_fusion.sandbox import ExecResult, SandboxPool, SandboxSettings, SandboxUnavailable
from tests.docker_engine import IMAGE, containers_of

# It ends politely with the tests that started it, also when those are killed.
NAMESPACES = ("setpriv", "--pdeathsig", "TERM", "unshare", "--net", "--mount")
# Without its socket dockerd starts one of its own: the system's would look for the containers'
# files where only this engine sees them.
OWN_CONTAINERD = "{ [ ! -e /run/containerd ] || mount -t tmpfs none /run/containerd; }"
OWN_ETC = 'mount --bind "$0" /etc'
RUN = 'exec "$@"'
FIRST_ID, IDS, NOBODY_ELSE = 1_000_000, 65_536, 64_999


class SecondEngine:
    """A `dockerd` that shares neither network, mounts, socket nor data with the first.

    Args:
        folder: Everything it writes is below.
        remapped: Whether root in its containers is the unprivileged user `dockremap` outside.
        runtimes: OCI runtimes that it knows besides its own, by name.
    """

    def __init__(
        self, folder: Path, *, remapped: bool = False, runtimes: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.address = f"unix://{folder}/docker.sock"
        self._options = [
            *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
            *("-p", f"{folder}/docker.pid", "-H", self.address),
            *("--bridge=none", "--iptables=false", "--ip6tables=false"),
        ]
        for name, program in (runtimes or {}).items():
            self._options.append(f"--add-runtime={name}={program}")
        self._before = ["sh", "-c", f"{OWN_CONTAINERD} && {RUN}", "sh"]
        if remapped:
            folder.chmod(0o711)  # the remapped root has to reach its data
            self._options.append("--userns-remap=default")
            in_namespace = f"{OWN_CONTAINERD} && {OWN_ETC} && {RUN}"
            self._before = ["sh", "-c", in_namespace, str(etc_with_dockremap(folder / "etc"))]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for stale in self.folder.glob("**/*.pid"):
            stale.unlink()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*NAMESPACES, *self._before, "dockerd", *self._options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        asking = ["docker", "-H", self.address, "info"]
        while subprocess.run(asking, capture_output=True).returncode:
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
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(entry.name), signal.SIGKILL)


def etc_with_dockremap(copy: Path) -> Path:
    """A copy of /etc that knows the user to remap to: the machine's own stays as it is."""
    shutil.copytree("/etc", copy, symlinks=True)
    entries = {
        "passwd": f"dockremap:x:{NOBODY_ELSE}:{NOBODY_ELSE}::/nonexistent:/usr/sbin/nologin",
        "group": f"dockremap:x:{NOBODY_ELSE}:",
        "subuid": f"dockremap:{FIRST_ID}:{IDS}",
        "subgid": f"dockremap:{FIRST_ID}:{IDS}",
    }
    for name, entry in entries.items():
        path = copy / name
        lines = path.read_text().splitlines() if path.exists() else []
        others = [line for line in lines if not line.startswith("dockremap:")]
        path.write_text("\n".join([*others, entry]) + "\n")
    return copy


@contextlib.contextmanager
def running_engine(
    *, remapped: bool = False, runtimes: Mapping[str, str] | None = None
) -> Iterator[SecondEngine]:
    """Skip where none can be started; fail there if `REQUIRE_DOCKER=1` says it must be."""
    tools = ("dockerd", "unshare", "setpriv")
    if os.getuid() != 0 or not all(map(shutil.which, tools)):
        reason = f"a second engine needs root and {', '.join(tools)}"
        if os.environ.get("REQUIRE_DOCKER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="fusion-engine-"))
    engine = SecondEngine(folder, remapped=remapped, runtimes=runtimes)
    try:
        engine.start()
        engine.load_image()
        yield engine
    finally:
        engine.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def open_sockets_collected() -> Iterator[None]:
    """Collect the sockets docker-py left open where their warnings are expected."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def meets_its_engines_death(engine: SecondEngine, number: signal.Signals) -> None:
    """Kill the engine that `DOCKER_HOST` names under a command, and start it again."""
    run_id = f"tests-{secrets.token_hex(4)}"
    pool = SandboxPool(SandboxSettings(max_lifetime_s=30), run_id=run_id, members=1)
    async with pool:
        sandbox = pool.start("A")
        assert (await sandbox.run("echo ok")).output == "ok\n"
        call = asyncio.create_task(sandbox.run("sleep 93"))
        await asyncio.sleep(0.5)
        killing = asyncio.create_task(asyncio.to_thread(engine.kill, number))
        # Stopping politely, an engine first ends its containers while it still answers.
        assert await ending_of(call) in ("unavailable", "replaced")
        await killing
        with pytest.raises(SandboxUnavailable):
            await sandbox.run("true")
    # Not in a thread: the engine ends with the thread that started it.
    engine.start()
    while containers_of(run_id):  # the watchdog, or the lifetime of 30 seconds
        await asyncio.sleep(0.25)


async def ending_of(call: "asyncio.Task[ExecResult]") -> str:
    try:
        return "replaced" if (await call).sandbox_reset else "result"
    except SandboxUnavailable:
        return "unavailable"
