"""No test reaches a paid API by accident: keys are taken away, sockets beyond loopback refused."""

import gc
import ipaddress
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "without time limits", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("without time limits")  # a busy machine is no fault of a property


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take keys, server addresses and the user's own files out of every test's sight."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL")) or name.startswith(("FUSION_", "LANGSMITH_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture(autouse=True, scope="module")
def own_garbage() -> Iterator[None]:
    """Blame a file for what it left open: else the collector finds it in a later file's test.

    What is still alive then is left out of later collections, which take a second each otherwise.
    """
    yield
    gc.collect()
    gc.freeze()


def _only_loopback(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(args[1], tuple) and not _is_loopback(args[1][0]):
        raise PermissionError(f"tests must not connect to {args[1][0]}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out to the workers of `pytest -n`."""
    from tests.workers import WholeFiles

    return WholeFiles(config, log)


def pytest_configure() -> None:
    """Refuse connections by an audit hook, which no client library can go around.

    A suite in the background (`nohup make test &`) is started with signals ignored, which every
    process inherits that tests start and end by these signals. One that is handled, if only by
    doing nothing, has its default effect in them, and still none here.
    """
    sys.addaudithook(_only_loopback)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)


def _do_nothing(number: int, frame: FrameType | None) -> None: ...
