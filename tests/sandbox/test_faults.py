"""The engine, the image or the container fails: said plainly, and never as a command's output."""

import asyncio
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import pytest
from docker.errors import APIError

from langgraph_fusion.graph.request.attachments import StockedSandbox
from langgraph_fusion.graph.request.given_files import GivenFile
from langgraph_fusion.sandbox import ExecResult, SandboxPool, SandboxSettings, SandboxUnavailable
from langgraph_fusion.sandbox.docker.engine import connect
from langgraph_fusion.sandbox.docker.engine_errors import unavailable
from langgraph_fusion.sandbox.docker.reaper import LABEL
from langgraph_fusion.sandbox.member_sandbox import MAX_REPLACEMENTS, MemberSandbox
from langgraph_fusion.sandbox.status import status


def new_run() -> str:
    return f"tests-{secrets.token_hex(4)}"


async def enter(settings: SandboxSettings) -> None:
    async with SandboxPool(settings, run_id=new_run(), members=1):
        pytest.fail("the pool must not open")


# --- no engine, or the wrong one


async def test_no_engine_is_unavailable_and_names_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SandboxUnavailable, match="Start Docker"):
        await enter(SandboxSettings())
    report = await status(SandboxSettings())
    assert not report.ready
    assert "Start Docker" in report.checks[0].fix


@contextmanager
def engine_that_says(info: Any, version: dict[str, Any] | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = {"version": {"ApiVersion": "1.41"} | (version or {}), "info": info}
            body = json.dumps(answers.get(self.path.rsplit("/", 1)[1], {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_an_engine_that_ignores_limits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    info = {"MemoryLimit": False, "PidsLimit": False, "CpuCfsQuota": True, "CgroupVersion": "1"}
    with engine_that_says(info) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(SandboxUnavailable, match="ignore these limits: MemoryLimit, PidsLimit"):
            await enter(SandboxSettings())
        report = await status(SandboxSettings())
        assert [check.name for check in report.checks if not check.ok] == ["limits", "image"]


async def test_podman_is_refused_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    info = dict.fromkeys(("MemoryLimit", "PidsLimit", "CpuCfsQuota"), True)
    version = {"Components": [{"Name": "Podman Engine", "Version": "4.3.1"}]}
    with engine_that_says(info | {"ServerVersion": "4.3.1"}, version) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(SandboxUnavailable, match="number of files"):
            await enter(SandboxSettings())
        report = await status(SandboxSettings())
        assert (report.checks[0].ok, report.checks[0].detail) == (False, "Podman 4.3.1 is not used")


@pytest.mark.parametrize("info", [[], "x", None, {"SecurityOptions": 5, "NCPU": "many"}])
async def test_an_engine_that_talks_nonsense_is_unavailable(
    info: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine_that_says(info) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(SandboxUnavailable):
            await enter(SandboxSettings())
        assert not (await status(SandboxSettings())).ready


def test_the_words_of_an_engine_are_told_without_its_paths() -> None:
    said = 'mkdir /var/lib/docker/overlay2/x: no space left on device\n\x1b[2J "secret"'
    error = APIError("500 Server Error", explanation=said)
    told = str(unavailable("It could not start", error))
    assert told.startswith("It could not start: mkdir (path): no space left on device")
    assert "\x1b" not in told
    assert "\n" not in told


# --- a real engine


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_a_missing_image_names_the_command_that_builds_it() -> None:
    with pytest.raises(SandboxUnavailable, match="fusion sandbox build"):
        await enter(SandboxSettings(image="no-such-image:ever"))
    report = await status(SandboxSettings(image="no-such-image:ever"))
    assert [check.ok for check in report.checks] == [True, True, False]


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_an_unknown_runtime_is_refused() -> None:
    settings = SandboxSettings(runtime="no-such-runtime")
    with pytest.raises(SandboxUnavailable, match="knows no runtime 'no-such-runtime'"):
        await enter(settings)
    found = (await status(settings)).checks[0]
    assert not found.ok
    assert found.detail.endswith("knows no runtime 'no-such-runtime'")
    assert "unset `runtime`" in found.fix


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_more_cpus_than_the_engine_has_are_refused() -> None:
    settings = SandboxSettings(cpus=64)
    with pytest.raises(SandboxUnavailable, match="Lower `cpus`"):
        await enter(settings)
    report = await status(settings)
    assert [check.name for check in report.checks if not check.ok] == ["limits"]


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_an_image_of_another_version_is_refused() -> None:
    client = connect()
    try:
        client.images.get(SandboxSettings().image).tag("fusion-test-stale", "v1")
        stale = client.containers.create("fusion-test-stale:v1", network_disabled=True)
        stale.commit(
            "fusion-test-stale", "v2", conf={"Labels": {"langgraph-fusion.sandbox.hash": "old"}}
        )
        stale.remove()
        with pytest.raises(SandboxUnavailable, match="out of date"):
            await enter(SandboxSettings(image="fusion-test-stale:v2"))
    finally:
        for tag in ("v1", "v2"):
            client.images.remove(f"fusion-test-stale:{tag}")
        client.close()


def container_of(client: docker.DockerClient, sandbox_name: str) -> Any:
    found = client.containers.list(filters={"label": f"{LABEL}.member={sandbox_name}"})
    assert len(found) == 1
    return found[0]


async def replaced_after(sandbox: MemberSandbox, harm: str, member: str) -> ExecResult:
    client = connect()
    try:
        container = container_of(client, member)
        options = {"force": True} if harm == "remove" else {}
        await asyncio.to_thread(getattr(container, harm), **options)
        return await sandbox.run("cat file")
    finally:
        client.close()


@pytest.mark.docker
@pytest.mark.parametrize("harm", ["kill", "pause", "stop", "remove"])
async def test_a_lost_container_is_replaced_and_the_command_not_run(
    pool: SandboxPool, harm: str
) -> None:
    member = f"lost-{harm}-{secrets.token_hex(3)}"
    sandbox = pool.start(member)
    await sandbox.run("echo data > file")
    result = await replaced_after(sandbox, harm, member)
    assert result.sandbox_reset
    assert "all files and state are lost" in result.note
    assert (result.exit_code, result.output) == (None, "")
    assert (await sandbox.run("ls")).output == ""
    await sandbox.close()


@pytest.mark.docker
async def test_a_container_killed_under_a_command_is_replaced(pool: SandboxPool) -> None:
    member = f"killed-{secrets.token_hex(3)}"
    sandbox = pool.start(member)
    await sandbox.run("true")
    call = asyncio.create_task(sandbox.run("sleep 92"))
    await asyncio.sleep(0.5)
    client = connect()
    await asyncio.to_thread(container_of(client, member).kill)
    client.close()
    result = await call
    assert result.sandbox_reset
    assert (await sandbox.run("echo ok")).output == "ok\n"
    await sandbox.close()


@pytest.mark.docker
async def test_a_sandbox_lost_again_and_again_becomes_unavailable(pool: SandboxPool) -> None:
    member = f"often-{secrets.token_hex(3)}"
    sandbox = pool.start(member)
    await sandbox.run("echo data > file")
    for _ in range(MAX_REPLACEMENTS):
        assert (await replaced_after(sandbox, "kill", member)).sandbox_reset
    with pytest.raises(SandboxUnavailable, match="in a row"):
        await replaced_after(sandbox, "kill", member)
    with pytest.raises(SandboxUnavailable):
        await sandbox.run("true")


@pytest.mark.docker
async def test_the_files_of_a_member_are_in_its_fresh_sandbox_too(pool: SandboxPool) -> None:
    member = f"stocked-{secrets.token_hex(3)}"
    started = pool.start(member)
    sandbox = StockedSandbox(started, [GivenFile("data.csv", data=b"1,2\n")])
    assert (await sandbox.run("cat data.csv")).output == "1,2\n"
    client = connect()
    await asyncio.to_thread(container_of(client, member).kill)
    client.close()
    lost = await sandbox.run("cat data.csv")
    assert lost.sandbox_reset
    assert "the files you were given are in /work again" in lost.note
    assert (await sandbox.run("cat data.csv; echo >> data.csv")).output.startswith("1,2\n")
    await sandbox.close()
