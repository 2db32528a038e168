"""A container that is not locked as asked runs no command."""

import secrets
import socket
from typing import Any

import pytest
from docker.types import Ulimit

from langgraph_fusion.sandbox import SandboxSettings, SandboxUnavailable
from langgraph_fusion.sandbox.docker.container import Container, Engine
from langgraph_fusion.sandbox.docker.container_spec import container_flags
from langgraph_fusion.sandbox.docker.engine import connect, engine_info, maps_users
from langgraph_fusion.sandbox.docker.reaper import owner_labels
from langgraph_fusion.sandbox.private_uid import private_uid
from langgraph_fusion.sandbox.verify import check_locks

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("require_docker")]

SETTINGS = SandboxSettings()


def check(changes: dict[str, Any], settings: SandboxSettings = SETTINGS) -> None:
    client = connect()
    uid = private_uid(mapped=maps_users(engine_info(client)))
    labels = owner_labels(f"tests-{secrets.token_hex(4)}", "A", 60)
    try:
        container = Container.start(
            Engine(client, client), container_flags(SETTINGS, labels) | changes, uid
        )
        try:
            check_locks(container, settings)
        finally:
            container.remove()
    finally:
        client.close()


def test_our_own_flags_pass() -> None:
    check({})


@pytest.mark.parametrize(
    ("lock", "changes"),
    [
        ("process 1 is another user", {"user": "0:0"}),
        ("no capabilities", {"cap_drop": []}),
        ("no new privileges", {"security_opt": []}),
        ("seccomp filter", {"security_opt": ["seccomp=unconfined", "no-new-privileges:true"]}),
        ("no system call ptrace", {"security_opt": ["no-new-privileges:true"]}),
        ("no system call io_setup", {"security_opt": ["no-new-privileges:true"]}),
        ("no core handler", {"ulimits": [Ulimit(name="core", soft=0, hard=0)]}),
        ("no terminals", {"tmpfs": {"/work": "", "/tmp": "", "/run/sbx": ""}}),
        ("read-only root", {"read_only": False}),
        ("no network", {"network_mode": "host"}),
        ("memory limit", {"mem_limit": 2 << 30, "memswap_limit": 2 << 30}),
        ("process limit", {"pids_limit": 5000}),
        ("cpu limit", {"nano_cpus": 5 * 10**8}),
    ],
)
def test_a_missing_lock_is_named(lock: str, changes: dict[str, Any]) -> None:
    if lock == "no network" and len(socket.if_nameindex()) == 1:
        pytest.skip("this machine's own network is nothing but loopback")
    with pytest.raises(SandboxUnavailable, match=f"not locked as asked: .*{lock}"):
        check(changes)


def test_a_proxy_that_does_not_answer_is_a_miss() -> None:
    with pytest.raises(SandboxUnavailable, match="proxy answers"):
        check({}, SandboxSettings(allow_hosts=("example.org",)))
