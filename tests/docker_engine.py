"""Whether engine tests can run here, and the fixture that skips them or, in CI, fails them."""

import os
from functools import cache

import pytest

from langgraph_fusion.sandbox.settings import SandboxSettings

IMAGE = SandboxSettings().image


@cache
def engine_ready() -> str | None:
    """Why sandboxes cannot start here; None if they can."""
    from langgraph_fusion.sandbox.base import SandboxUnavailable
    from langgraph_fusion.sandbox.docker.engine import (
        check_engine,
        check_image,
        connect,
        engine_info,
    )

    try:
        client = connect()
        try:
            check_engine(engine_info(client))
            check_image(client, IMAGE)
        finally:
            client.close()
    except SandboxUnavailable as error:
        return str(error)
    return None


@pytest.fixture(scope="session")
def require_docker() -> None:
    """Skip without engine or image; fail where `REQUIRE_DOCKER=1` says there must be one."""
    reason = engine_ready()
    if reason is None:
        return
    if os.environ.get("REQUIRE_DOCKER") == "1":
        pytest.fail(f"REQUIRE_DOCKER=1, but: {reason}", pytrace=False)
    pytest.skip(reason)


def containers_of(run_id: str, *, running_only: bool = False) -> list[str]:
    """Ids of a run's containers, by the engine's own account."""
    from langgraph_fusion.sandbox.docker.engine import connect
    from langgraph_fusion.sandbox.docker.reaper import LABEL

    client = connect()
    try:
        filters = {"label": f"{LABEL}.run={run_id}"}
        found = client.api.containers(all=not running_only, filters=filters)
        return [str(container["Id"]) for container in found]
    finally:
        client.close()
