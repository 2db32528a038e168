"""Our OpenAPI document."""

from pathlib import Path

import httpx2
import pytest

from langgraph_fusion.server.permits import Permits
from tests.graph.cast import JUDGE, WRITER, A, B, cast
from tests.server.conftest import Serving

PRESET = f"""
[scripted]
description = "Scripted models"
panel = ["{A}", "{B}"]
judge = "{JUDGE}"
synthesizer = "{WRITER}"
tools = []
max_rounds = 0
"""


@pytest.fixture
def permits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Permits:
    presets = tmp_path / "presets.toml"
    presets.write_text(PRESET)
    monkeypatch.setenv("FUSION_PRESETS", str(presets))
    return Permits(default_preset="scripted", max_deadline_s=20)


async def test_the_document_describes_bodies_errors_and_streams(
    serving: Serving, permits: Permits
) -> None:
    served = await serving(cast(), permits=permits)
    async with httpx2.AsyncClient() as client:
        document = (await client.get(f"{served.url}/openapi.json")).json()
    for path, name in (("chat/completions", "ChatBody"), ("responses", "ResponsesBody")):
        post = document["paths"][f"/v1/{path}"]["post"]
        body = post["requestBody"]["content"]["application/json"]["schema"]
        assert body["$ref"].endswith(name)
        assert post["responses"]["200"]["content"].keys() == {
            "application/json",
            "text/event-stream",
        }
        fault = post["responses"]["default"]["content"]["application/json"]["schema"]
        assert fault["$ref"].endswith("ErrorBody")
        assert "422" not in post["responses"]
    schemas = document["components"]["schemas"]
    assert schemas["FusionPlugin"]["properties"].keys() >= {"analysis_models", "preset", "enabled"}
    assert {"message", "type", "param", "code"} <= schemas["Fault"]["properties"].keys()
