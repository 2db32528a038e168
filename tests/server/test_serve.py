"""`fusion serve` as an operator runs it: a process of its own, started and stopped."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.cli.processes import DIES_WITH_US, FUSION, ROOT, environment, run
from tests.graph.cast import JUDGE, WRITER, B, cast
from tests.scripted import hang
from tests.server.asking import asking, until
from tests.server.command import Command, served, url_of


async def test_a_server_answers_says_where_it_is_and_stops(tmp_path: Path) -> None:
    async with served(cast(answer="It is 42."), tmp_path) as server:
        reply = await server.client.chat.completions.create(**asking())
        assert reply.choices[0].message.content == "It is 42."
        log = await server.log_after()
    assert server.process.returncode == -signal.SIGTERM
    assert [line["event"] for line in log] == [
        "run.started", "run.ended", "request", "server.stopping",
    ]  # fmt: skip


async def test_several_workers_share_one_port_and_one_page_of_metrics(tmp_path: Path) -> None:
    async with served(cast(), tmp_path, "--workers", "2") as server:
        for _ in range(4):
            client = openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none")
            async with client:
                await client.chat.completions.create(**asking())
        async with httpx2.AsyncClient() as http:
            page = (await http.get(f"{server.url}/metrics")).text
        assert 'fusion_runs_total{door="chat",outcome="ok"} 4.0' in page
        await server.log_after()


async def test_what_killed_workers_had_under_way_is_forgotten(tmp_path: Path) -> None:
    async with served(cast({B: hang()}), tmp_path, "--workers", "2") as server:
        asked = asyncio.create_task(server.client.chat.completions.create(**asking()))
        await until(lambda: len(server.models.requests) == 3)
        assert "fusion_runs_in_flight 1.0" in await _metrics(server)
        for pid in _workers(server.process.pid):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(openai.APIConnectionError):
            await asked
        assert "fusion_runs_in_flight 0.0" in await _metrics(server)
        await server.log_after()


async def _metrics(server: Command) -> str:
    """The page, as soon as a worker is there to show it."""
    async with httpx2.AsyncClient(timeout=60) as http, asyncio.timeout(60):
        while True:
            with suppress(httpx2.TransportError):
                return (await http.get(f"{server.url}/metrics")).text
            await asyncio.sleep(0.1)


def _workers(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    spawned = (int(one) for one in children)
    return [one for one in spawned if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


async def test_the_counts_of_a_killed_server_are_removed_by_the_next(tmp_path: Path) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    env = {"TMPDIR": str(place)}
    async with served(cast(), tmp_path, "--workers", "2", env=env) as killed:
        (left,) = place.glob("fusion-metrics-*")
        async with served(cast(), tmp_path, "--workers", "2", env=env) as beside:
            assert len(set(place.glob("fusion-metrics-*"))) == 2, "that of a living one stays"
            await beside.log_after()
        killed.process.kill()
        await killed.process.wait()
    async with served(cast(), tmp_path, "--workers", "2", env=env) as server:
        (found,) = place.glob("fusion-metrics-*")
        assert found != left
        await server.log_after()
    assert not list(place.glob("fusion-metrics-*"))


async def test_keys_made_by_the_command_open_the_server(tmp_path: Path) -> None:
    file = str(tmp_path / "keys.db")
    made = run(*FUSION, "keys", "add", "ada", "--keys", file, "--per-minute", "1")
    token = made.stdout.strip()
    async with served(cast(), tmp_path, "--keys", file) as server:
        with pytest.raises(openai.AuthenticationError):
            await server.client.chat.completions.create(**asking())
        known = server.client.with_options(api_key=token)
        await known.chat.completions.create(**asking())
        with pytest.raises(openai.RateLimitError):
            await known.chat.completions.create(**asking())
        listed = json.loads(run(*FUSION, "keys", "list", "--keys", file, "--json").stdout)
        assert [(one["name"], one["runs"]) for one in listed["keys"]] == [("ada", 1)]
        assert run(*FUSION, "keys", "remove", "ada", "--keys", file).returncode == 0
        with pytest.raises(openai.AuthenticationError):
            await known.chat.completions.create(**asking())
        log = await server.log_after()
    assert token not in json.dumps(log)
    assert {line.get("key") for line in log if line["event"] == "run.started"} == {"ada"}


async def test_names_models_and_a_metrics_key_are_the_operators_choice(tmp_path: Path) -> None:
    file = str(tmp_path / "keys.db")
    made = run(*FUSION, "keys", "add", "prometheus", "--keys", file, "--metrics")
    options = ("--allowed-hosts", "fusion, chat.example", "--models", "openrouter:m/*")
    async with (
        served(cast(), tmp_path, *options) as server,
        httpx2.AsyncClient(base_url=server.url, timeout=30) as http,
    ):
        for host, status in (("fusion:8000", 200), ("chat.example", 200), ("evil.example", 403)):
            assert (await http.get("/v1/models", headers={"Host": host})).status_code == status
        with pytest.raises(openai.APIStatusError, match="does not permit"):
            await server.client.chat.completions.create(**asking())
    async with (
        served(cast(), tmp_path, "--keys", file, "--workers", "2") as server,
        httpx2.AsyncClient(base_url=server.url, timeout=30) as http,
    ):
        headers = {"Authorization": f"Bearer {made.stdout.strip()}", "Host": "any.example"}
        assert (await http.get("/metrics", headers=headers)).status_code == 200
        assert (await http.get("/v1/models", headers=headers)).status_code == 403


async def test_a_port_that_is_taken_and_a_missing_key_are_said_in_words(tmp_path: Path) -> None:
    async with served(cast(), tmp_path) as server:
        port = server.url.rpartition(":")[2]
        taken = run(*FUSION, "serve", "-p", "offline", "--port", port)
        assert (taken.returncode, "in use" in taken.stderr) == (2, True)
        keyless = run(*FUSION, "serve", "-p", "quality", "--port", "0")
        assert (keyless.returncode, "OPENROUTER_API_KEY" in keyless.stderr) == (2, True)


async def test_a_place_for_runs_that_cannot_be_had_is_said_in_words() -> None:
    refused = run(*FUSION, "serve", "-p", "offline", "--port", "0", "--runs", "/proc/nope/runs.db")
    assert refused.returncode == 2
    assert "runs cannot be kept in /proc/nope/runs.db" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_the_address_is_closed_until_the_server_can_answer(
    tmp_path: Path, workers: str
) -> None:
    file, port = tmp_path / "keys.db", _free_port()
    run(*FUSION, "keys", "add", "ada", "--keys", str(file))
    options = ["-p", "offline", "--port", str(port), "--workers", workers, "--keys", str(file)]
    with closing(sqlite3.connect(file)) as lock:
        lock.execute("begin exclusive")  # an application that cannot start for now
        process = await asyncio.create_subprocess_exec(
            *FUSION,
            "serve",
            *options,
            cwd=ROOT,
            stderr=PIPE,
            env=environment({"XDG_DATA_HOME": str(tmp_path)}),
        )
        said = asyncio.create_task(url_of(process))
        await asyncio.wait([said], timeout=6)
        assert not said.done()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        lock.rollback()
    try:
        async with httpx2.AsyncClient(timeout=10) as http:
            assert (await http.get(f"{await said}/healthz")).status_code == 200
    finally:
        process.terminate()
        await process.communicate()


async def test_listening_beyond_this_machine_without_keys_is_warned_of(tmp_path: Path) -> None:
    async with served(cast(), tmp_path, "--host", "0.0.0.0") as server:
        assert server.process.stderr is not None
        assert b"WARNING" in await server.process.stderr.readline()


async def test_a_run_that_died_with_its_server_is_resumed_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    async with served(cast({B: hang()}), tmp_path) as server:
        run_id = await _killed_after_two_answers(server)
        paid = server.models.usage().cost
    async with served(cast(), tmp_path) as again:
        reply = await again.client.chat.completions.create(**asking())
        assert reply.choices[0].message.content == "Done."
        before, earlier = len(again.models.requests), again.models.usage().cost
        resume = await asyncio.create_subprocess_exec(
            *FUSION, "resume", run_id, "--json", "-q", cwd=ROOT, env=again.env, stdout=PIPE
        )
        result = json.loads((await resume.communicate())[0])
        assert (result["run_id"], result["answer"]) == (run_id, "Done.")
        resumed = {seen.model for seen in again.models.requests[before:]}
        assert resumed == {B, JUDGE, WRITER}, "what A and C had answered was kept"
        paid += again.models.usage().cost - earlier
        assert result["bill"]["total"]["known_cost_usd"] == pytest.approx(paid)
        await again.log_after()


async def _killed_after_two_answers(server: Command) -> str:
    """Follow a stream until two members have answered, kill the server, return the run's id."""
    told: list[dict[str, Any]] = []
    with suppress(openai.APIConnectionError):  # its end
        async for chunk in await server.client.chat.completions.create(**asking(), stream=True):
            told += [event] if (event := (chunk.model_extra or {}).get("fusion")) else []
            if sum(event["type"] == "member.finished" for event in told) == 2:
                server.process.kill()
    return str(told[0]["run_id"])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        *FUSION, "serve", "-p", "offline", "--port", str(port), "--workers", "2", "--runs", "off",
        cwd=ROOT, stderr=PIPE, env=environment({"XDG_DATA_HOME": str(tmp_path)}),
    )  # fmt: skip
    await url_of(process)
    process.kill()
    await process.wait()
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            return
        writer.close()
        await asyncio.sleep(0.2)
    pytest.fail("a worker still listens")


async def test_workers_run_no_code_of_the_working_directory(tmp_path: Path) -> None:
    folder = tmp_path / "cloned"
    ran = tmp_path / "ran"
    for name in ("multiprocessing", "json", "encodings", "site", "uvicorn", "langgraph_fusion"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"open({str(ran)!r}, 'a').write({name!r})\n")
    command = (*DIES_WITH_US, str(Path(sys.executable).with_name("fusion")))
    process = await asyncio.create_subprocess_exec(
        *command, "serve", "-p", "offline", "--port", "0", "--workers", "2", "--runs", "off",
        cwd=folder, stderr=PIPE, env=environment({"XDG_DATA_HOME": str(tmp_path)}),
    )  # fmt: skip
    try:
        async with httpx2.AsyncClient(timeout=60) as http:
            assert (await http.get(f"{await url_of(process)}/healthz")).status_code == 200
    finally:
        process.terminate()
        await process.communicate()
    assert not ran.exists()
