"""Whether bubblewrap can start sandboxes here, and the fixture that skips or fails the tests."""

import os

import pytest

from langgraph_fusion.sandbox import SandboxSettings, SandboxUnavailable
from langgraph_fusion.sandbox.bubblewrap.backend import BubblewrapBackend

SETTINGS = SandboxSettings(kind="bubblewrap")


@pytest.fixture(scope="session")
def require_bubblewrap() -> None:
    """Skip where none can be started; fail there if `REQUIRE_BUBBLEWRAP=1` says it must be."""
    backend = BubblewrapBackend(SETTINGS)
    try:
        backend.open()
        backend.start("A", None).remove()
    except SandboxUnavailable as error:
        if os.environ.get("REQUIRE_BUBBLEWRAP") == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    finally:
        backend.close(cleaned_up=True)
