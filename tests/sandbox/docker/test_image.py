"""The image is built from the shipped Dockerfile by the engine itself."""

from collections.abc import Iterator

import pytest

from langgraph_fusion.sandbox import SandboxPool, SandboxSettings
from langgraph_fusion.sandbox.docker.engine import CONTEXT, connect
from langgraph_fusion.sandbox.docker.image import build
from langgraph_fusion.sandbox.status import status

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("require_docker")]

BUILT = "fusion-test-built:latest"
BOOTSTRAPPED = "langgraph-fusion-sandbox-base"


@pytest.fixture
def base_without_a_registry(require_docker: None) -> Iterator[None]:
    """What the Dockerfile starts from, under its own name: as fetched, or as bootstrapped here."""
    lines = (CONTEXT / "Dockerfile").read_text().splitlines()
    (base,) = (line.removeprefix("ARG BASE=") for line in lines if line.startswith("ARG BASE="))
    client = connect()
    bootstrapped = client.images.list(BOOTSTRAPPED)
    named_here = not client.images.list(base)
    if named_here and not bootstrapped:
        pytest.skip(f"neither {base} nor a bootstrapped base is here")
    if named_here:
        bootstrapped[0].tag(*base.split(":"))
    yield
    if named_here:
        client.images.remove(base)
    client.images.remove(BUILT)
    client.close()


@pytest.mark.usefixtures("base_without_a_registry")
async def test_the_shipped_dockerfile_makes_an_image_whose_sandbox_is_locked() -> None:
    settings, said = SandboxSettings(image=BUILT), list[str]()
    await build(settings, said.append)
    assert said[0].startswith("Step 1/")
    assert (await status(settings)).ready
    async with SandboxPool(settings, run_id="tests-built", members=1) as pool:
        imports = "python3 -c 'import numpy, pandas, scipy, sympy, matplotlib'"
        result = await pool.start("A").run(f"{imports} && which jq rg sqlite3 git", timeout_s=60)
    assert result.exit_code == 0, result.output
