"""Our OpenAPI document, and whatever schemathesis makes of it: no 5xx."""

import asyncio
import sys
from pathlib import Path

import httpx2
import pytest

from langgraph_fusion.server.runs.client_policy import CLIENTS_OWN, OPERATORS_OWN, ClientPolicy
from tests.graph.cast import JUDGE, WRITER, A, B, cast
from tests.scripted import Reply, Seen, structured, text
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
HEADERS = "Accept: application/json, text/event-stream"
"""MCP wants both."""


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClientPolicy:
    presets = tmp_path / "presets.toml"
    presets.write_text(PRESET)
    monkeypatch.setenv("FUSION_PRESETS", str(presets))
    return ClientPolicy(default_preset="scripted", max_deadline_s=60)


async def test_the_document_describes_bodies_errors_and_streams(
    serving: Serving, policy: ClientPolicy
) -> None:
    served = await serving(cast(), policy=policy)
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
    assert {"message", "type", "param", "code"} <= schemas["ErrorDetails"]["properties"].keys()
    assert document["paths"]["/mcp"].keys() == {"post", "get", "delete"}


async def test_the_document_describes_every_setting_with_its_bounds(serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient() as client:
        schemas = (await client.get(f"{served.url}/openapi.json")).json()["components"]["schemas"]
    for body in ("ChatBody", "ResponsesBody"):
        assert schemas[body]["properties"]["fusion"]["$ref"].endswith("FusionField")
    field = schemas["FusionField"]
    assert field["additionalProperties"] is False
    settings = field["properties"]
    assert settings.keys() == CLIENTS_OWN | OPERATORS_OWN | {"details", "progress", "priority"}
    assert all(one["description"] for one in settings.values())
    assert (settings["max_rounds"]["minimum"], settings["max_rounds"]["maximum"]) == (0, 3)
    assert settings["length"]["enum"] == ["auto", "brief", "full"]
    assert "default" not in settings["max_rounds"], "the preset decides"
    assert settings["panel"]["items"]["anyOf"][0]["$ref"].endswith("PanelSeat")
    assert {"temperature", "instructions", "fallbacks"} <= schemas["PanelSeat"]["properties"].keys()
    assert "auto-router" in schemas["OtherPlugin"]["properties"]["id"]["enum"]


@pytest.mark.parametrize(
    "name",
    ["%00", "%FF", "..", "%2F%2F", "{model}", "%F0%9F%A6%9C", "a" * 5000, "fusion/%0d%0a", ""],
)
async def test_an_odd_name_of_a_model_is_an_unknown_one(name: str, serving: Serving) -> None:
    served = await serving(cast())
    async with httpx2.AsyncClient() as client:
        told = await client.get(f"{served.url}/v1/models/{name}")
    assert told.status_code in (404, 307)


def whoever(seen: Seen) -> Reply:
    """Answer for any model that a generated request names."""
    return structured({"consensus": []}) if seen.wants_json else text("It is 42.")


@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:astream_log is deprecated:DeprecationWarning")
async def test_no_generated_request_makes_the_server_fail(
    serving: Serving, policy: ClientPolicy, tmp_path: Path
) -> None:
    served = await serving(whoever, policy=policy, runs=str(tmp_path / "runs.db"))
    stored = await served.client.responses.create(model="fusion", input="What is it?", store=True)
    config = f'[parameters]\n"path.response_id" = "{stored.id}"\n"path.config_hash" = "N4XyA"\n'
    (tmp_path / "schemathesis.toml").write_text(config)
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{served.url}/openapi.json",
        "--checks", "not_a_server_error", "--max-examples", "5", "--seed", "1", "--no-color",
        "--phases", "examples,fuzzing", "--header", HEADERS,
        "--generation-database", "none", "--suppress-health-check", "all",
        "--request-timeout", "60",
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    said = out.decode()
    assert process.returncode == 0, said[-6000:]
    operations = sum(len(methods) for methods in served.app.openapi()["paths"].values())
    assert f"Tested: {operations}\n" in said
    assert served.models.requests, "the example of the document was answered by the panel"
