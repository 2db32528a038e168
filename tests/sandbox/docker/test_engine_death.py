"""The engine dies under a command: a second engine, in namespaces of its own."""

import signal
from collections.abc import Iterator

import pytest

from tests.sandbox.second_engine import (
    SecondEngine,
    meets_its_engines_death,
    open_sockets_collected,
    running_engine,
)

pytestmark = [
    pytest.mark.docker,
    pytest.mark.usefixtures("require_docker"),
    # docker-py leaves its socket open when a connection is refused.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def engine(require_docker: None) -> Iterator[SecondEngine]:
    with running_engine() as started:
        yield started


@pytest.fixture(autouse=True)
def docker_py_cleans_up_here() -> Iterator[None]:
    with open_sockets_collected():
        yield


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_an_engine_that_dies_under_a_command_is_unavailable_at_once(
    engine: SecondEngine, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.address)
    await meets_its_engines_death(engine, number)
