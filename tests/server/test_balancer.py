"""The haproxy configuration of docs/scaling.md, as it stands but for its addresses."""

import asyncio
import re
import shutil
import socket
from pathlib import Path

import httpx2
import pytest
import yaml

from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import cast
from tests.server.asking import body
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Serving
from tests.server.shared_database import Shared

PAGE = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.skipif(not shutil.which("haproxy"), reason="haproxy is not installed")
async def test_haproxy_shares_requests_between_hosts_and_leaves_out_one_that_is_not_ready(
    serving: Serving, shared: Shared, tmp_path: Path
) -> None:
    hosts = [await serving(cast(), keys=shared.url, runs=shared.url) for _ in range(2)]
    token = BlockingKeys(shared.url).add("ada", Caps(per_minute=6))
    port, config = _free_port(), _block("haproxy").replace("inter 2s", "inter 100ms")
    config = config.replace("bind :8080", f"bind 127.0.0.1:{port}")
    for address, host in zip(("10.0.0.11:8000", "10.0.0.12:8000"), hosts, strict=True):
        config = config.replace(address, host.url.removeprefix("http://"))
    file = tmp_path / "haproxy.cfg"
    file.write_text(config)
    process = await asyncio.create_subprocess_exec("haproxy", "-db", "-f", str(file))
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
        ) as client:
            async with asyncio.timeout(30):
                while await _status(client, "/readyz") != 200:
                    await asyncio.sleep(0.05)
            asked = [client.post("/v1/chat/completions", json=body(stream=True)) for _ in range(6)]
            replies = await asyncio.gather(*asked)
            assert [one.status_code for one in replies] == [200] * 6
            assert all(one.text.rstrip().endswith("data: [DONE]") for one in replies)
            again = await client.post("/v1/chat/completions", json=body())
            assert again.json()["error"]["code"] == "rate_limit_exceeded"
            assert all(_runs_of(host.state) for host in hosts)
            hosts[0].state.manager.shutdown.started = True
            async with asyncio.timeout(30):
                while len({await _status(client, "/readyz") for _ in range(4)} - {200}):
                    await asyncio.sleep(0.05)
    finally:
        process.terminate()
        await process.wait()


async def _status(client: httpx2.AsyncClient, path: str) -> int:
    try:
        return (await client.get(path)).status_code
    except httpx2.HTTPError:
        return 0


def _runs_of(state: object) -> float:
    """Runs that a host has finished."""
    page: str = state.metrics.page().decode()  # type: ignore[attr-defined]
    return sum(float(one) for one in re.findall(r"^fusion_runs_total\{.*\} (.*)$", page, re.M))


def test_the_compose_file_can_be_read_and_starts_two_servers_in_the_same_way() -> None:
    services = yaml.safe_load(_block("yaml"))["services"]
    assert services["fusion-a"] == services["fusion-b"]
    assert set(services) == {"fusion-a", "fusion-b", "db", "balancer"}
