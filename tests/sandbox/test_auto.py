"""Which kind of sandbox is used when none is named."""

import json

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.auto import may_do_without_engine
from tests.bubblewrap import require_bubblewrap
from tests.sandbox.namespaces import (
    WITHOUT_BWRAP,
    WITHOUT_ENGINE,
    WITHOUT_GROUPS,
    python_without,
)

__all__ = ["require_bubblewrap"]

FIND_OUT = """
    import asyncio, json
    from langgraph_fusion.sandbox import SandboxPool, SandboxSettings, SandboxUnavailable
    from langgraph_fusion.sandbox.status import status

    async def find_out():
        pool = SandboxPool(SandboxSettings(), run_id="tests", members=1)
        try:
            async with pool:
                ran = await pool.start("A").run("cat /proc/1/cmdline | tr '\\\\0' ' '")
                return {"ran": ran.output, "notice": pool.notice}
        except SandboxUnavailable as error:
            return {"error": str(error)}

    async def main():
        found = await status(SandboxSettings())
        checks = [[one.name, one.ok, one.detail, one.fix] for one in found.checks]
        print(json.dumps(await find_out() | {"checks": checks}))

    asyncio.run(main())
"""


def test_without_an_engine_bubblewrap_takes_its_place_and_it_is_said(
    require_bubblewrap: None,
) -> None:
    found = json.loads(python_without(WITHOUT_ENGINE, code=FIND_OUT))
    if "error" in found:
        pytest.skip("no control groups can be had here")
    assert "/opt/sbx/agent" in found["ran"]
    assert "No Docker engine answers" in found["notice"]
    assert found["checks"][0] == [
        *("engine", True, "no Docker engine answers; bubblewrap is used", "")
    ]


@pytest.mark.parametrize(
    ("missing", "environment"),
    [
        ((WITHOUT_ENGINE, WITHOUT_GROUPS), {}),
        ((WITHOUT_ENGINE,), {"DOCKER_HOST": "unix:///nowhere/docker.sock"}),
        ((WITHOUT_ENGINE, WITHOUT_BWRAP), {}),
    ],
)
def test_where_it_holds_less_or_an_engine_was_named_it_is_not_used(
    missing: tuple[str, ...], environment: dict[str, str]
) -> None:
    found = json.loads(python_without(*missing, code=FIND_OUT, **environment))
    assert found["error"].startswith("No Docker engine answers.")
    ((name, ok, detail, fix),) = found["checks"]
    assert (name, ok, detail) == ("engine", False, "no Docker engine answers")
    assert "sandbox.kind: bubblewrap" in fix


@pytest.mark.parametrize(
    "wish",
    [{"kind": "docker"}, {"runtime": "runsc"}, {"allow_hosts": ["a.test"]}, {"image": "ours"}],
)
def test_what_only_an_engine_has_is_not_done_without(
    wish: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert may_do_without_engine(SandboxSettings())
    assert not may_do_without_engine(SandboxSettings.model_validate(wish))


@pytest.mark.docker
@pytest.mark.usefixtures("require_docker")
async def test_where_an_engine_answers_it_is_used() -> None:
    async with SandboxPool(SandboxSettings(), run_id="tests", members=1) as pool:
        first = await pool.start("A").run("cat /proc/1/cmdline")
        assert "agent" not in first.output
        assert pool.notice == ""
