"""Whatever a provider writes into its usage block, a run answers and metrics stay finite."""

import math
from pathlib import Path
from typing import Any

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from langgraph_fusion.models.providers import ModelRef
from langgraph_fusion.models.usage import Usage, usage_of
from langgraph_fusion.server.keys.key import Caps
from tests.graph.cast import A, B, C, cast
from tests.scripted import text
from tests.server.asking import body
from tests.server.blocking_keys import BlockingKeys
from tests.server.conftest import Serving

ODD: list[Any] = [
    math.nan, math.inf, -math.inf, -5, -1e-9, 1e308, 10**400, "NaN", "inf", "-1", "1e999", "free",
    "", True, None, [], [1], {}, {"total_cost": math.nan}, {"total_cost": -1}, {"total_cost": "x"},
    "0x10", "\uff11", " 0.5 ", "1_0",
]  # fmt: skip
_ANY = st.one_of(
    st.sampled_from(ODD), st.floats(), st.integers(), st.text(max_size=6), st.booleans(), st.none()
)
_BLOCK = st.fixed_dictionaries(
    {},
    optional={
        "cost": _ANY,
        "is_byok": _ANY,
        "prompt_tokens": _ANY,
        "completion_tokens": _ANY,
        "cost_details": st.one_of(_ANY, st.fixed_dictionaries({"upstream_inference_cost": _ANY})),
        "prompt_tokens_details": st.one_of(_ANY, st.fixed_dictionaries({"cached_tokens": _ANY})),
    },
)


def _fine(used: Usage) -> bool:
    numbers = (
        used.cost_usd, used.input_tokens, used.output_tokens, used.cached_tokens,
        used.reasoning_tokens,
    )  # fmt: skip
    return all(one is None or (math.isfinite(one) and one >= 0) for one in numbers)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(_BLOCK, min_size=1, max_size=3))
def test_what_cannot_be_part_of_a_bill_is_unknown(blocks: list[dict[str, Any]]) -> None:
    total = Usage(0, 0, 0, 0, 0.0)
    for block in blocks:
        message = AIMessage("x", response_metadata={"token_usage": block})
        total += usage_of(message, ModelRef("openrouter", "v/m"))
    assert _fine(total)


async def test_a_server_answers_and_its_metrics_and_ledger_stay_finite(
    serving: Serving, tmp_path: Path, prices: Path
) -> None:
    ring = BlockingKeys(tmp_path / "keys.db")
    ring.create()
    odd: list[Any] = [one for one in ODD if one != 10**400]
    left = list(odd)

    def member(seen: Any) -> Any:
        return text("42", usage={"cost": left.pop() if left else 0.001}, cost=None)

    served = await serving(cast({A: member, B: member, C: member}), keys=tmp_path / "keys.db")
    client = ring.add("ada", Caps(per_day_usd=100.0, per_run_usd=1.0))
    metrics = ring.add("prometheus", Caps(), for_metrics=True)
    async with httpx2.AsyncClient(base_url=served.url, timeout=60) as http:
        for stream in (False, True) * (len(odd) // 6 + 1):
            headers = {"Authorization": f"Bearer {client}"}
            sent = body(stream=stream)
            reply = await http.post("/v1/chat/completions", json=sent, headers=headers)
            assert reply.status_code == 200
            assert "internal_error" not in reply.text
            assert "NaN" not in reply.text
        assert not left
        page = await http.get("/metrics", headers={"Authorization": f"Bearer {metrics}"})
    lines = [line for line in page.text.splitlines() if line[:7] == "fusion_"]
    assert lines
    values = [float(line.rsplit(" ", 1)[1]) for line in lines if 'le="+Inf"' not in line]
    assert all(math.isfinite(one) and one >= 0 for one in values)
    spent = ring.all()[0][1]
    assert math.isfinite(spent.total_usd)
    assert 0 < spent.total_usd <= 100
