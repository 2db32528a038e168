"""A cap of a key or of the operator holds: it cannot be weakened, and it says what is wrong."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from langgraph_fusion.server.keys.key import Caps
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import JUDGE, WRITER, A, B, cast
from tests.server.asking import PANEL, body
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Served, Serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LangServe calls what is old
CAPPED = Caps(per_day_usd=1.0, per_run_usd=0.5)
WEAKENINGS: list[dict[str, Any]] = [
    {},
    {"unknown_cost": "ignore"},
    {"unknown_cost": "worst_case"},
    {"unknown_cost": "ignore", "budget_usd": 0.4},
    {"unknown_cost": "ignore", "mode": "direct"},
    {"preset": "careless"},
    {"preset": "careless", "unknown_cost": "ignore"},
]


@pytest.fixture(autouse=True)
def careless_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    presets = tmp_path / "presets.toml"
    presets.write_text(
        f'[careless]\npanel = ["{A}"]\njudge = "{JUDGE}"\nsynthesizer = "{WRITER}"\n'
        'unknown_cost = "ignore"\ntools = []\n'
    )
    monkeypatch.setenv("FUSION_PRESETS", str(presets))


async def _post(served: Served, path: str, token: str, sent: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=60) as client:
        headers = {"Authorization": f"Bearer {token}"}
        return await client.post(f"{served.url}{path}", json=sent, headers=headers)


def _forms(fusion: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The same request through every door that takes settings."""
    question = [{"role": "user", "content": "What is it?"}]
    asked = {"messages": [{"type": "human", "content": "What is it?"}]}
    plugin = {"id": "fusion", "analysis_models": [A, B], "model": JUDGE}
    return [
        ("/v1/chat/completions", {"model": "fusion", "messages": question, "fusion": fusion}),
        (
            "/v1/chat/completions",
            {"model": WRITER, "messages": question, "plugins": [plugin], "fusion": fusion},
        ),
        ("/v1/responses", {"model": "fusion", "input": "What is it?", "fusion": fusion}),
        ("/fusion/invoke", {"input": asked, "config": {"configurable": fusion}}),
    ]


@pytest.mark.parametrize("weakening", WEAKENINGS)
async def test_a_capped_key_gets_400_for_a_model_without_a_price_at_every_door(
    serving: Serving, tmp_path: Path, weakening: dict[str, Any]
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    served = await serving(cast(), keys=tmp_path / "keys.db")
    token = ring.add("ada", CAPPED)
    fusion = weakening if "preset" in weakening else PANEL | weakening
    for path, sent in _forms(fusion):
        response = await _post(served, path, token, sent)
        assert response.status_code == 400, (path, response.text)
        error = response.json()["error"]
        assert error["code"] == "price_unknown"
        assert "no price is known for" in error["message"]
        assert error["param"] == "model"
    assert not served.models.requests
    assert ring.all()[0][1].total_usd == 0


@pytest.mark.parametrize("weakening", WEAKENINGS)
async def test_the_operators_cap_refuses_models_without_a_price(
    serving: Serving, weakening: dict[str, Any]
) -> None:
    served = await serving(cast(), policy=ClientPolicy(max_budget_usd=0.5))
    fusion = weakening if "preset" in weakening else PANEL | weakening
    for path, sent in _forms(fusion):
        response = await _post(served, path, "none", sent)
        assert response.status_code == 400, (path, response.text)
        assert "no price is known for" in response.json()["error"]["message"]
    assert not served.models.requests


async def test_a_cap_that_is_too_small_for_one_answer_is_402(
    serving: Serving, tmp_path: Path, prices: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    served = await serving(cast(), keys=tmp_path / "keys.db")
    token = ring.add("ada", Caps(per_day_usd=1.0, per_run_usd=1e-7))
    response = await _post(served, "/v1/chat/completions", token, body())
    assert response.status_code == 402
    assert response.json()["error"]["code"] == "insufficient_quota"


async def test_a_capped_key_is_served_where_every_model_has_a_price(
    serving: Serving, tmp_path: Path, prices: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    served = await serving(cast(), keys=tmp_path / "keys.db")
    token = ring.add("ada", CAPPED)
    fusion = PANEL | {"unknown_cost": "ignore"}
    response = await _post(served, "/v1/chat/completions", token, body(fusion=fusion))
    assert response.status_code == 200
