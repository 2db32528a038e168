"""Which failed calls are certain to cost nothing."""

import pytest

from langgraph_fusion.models.faults import Fault
from langgraph_fusion.models.ref import ModelRef
from langgraph_fusion.models.unbilled import costs_nothing

ROUTER, DIRECT = ModelRef.parse("openrouter:v/m"), ModelRef.parse("openai:m")


@pytest.mark.parametrize(
    ("fault", "router", "direct"),
    [
        (Fault("rate_limited", status_code=429), True, True),
        (Fault("invalid_model", status_code=404), True, True),
        (Fault("connection", unsent=True), True, True),
        (Fault("upstream_error", status_code=503, reported=True), True, False),
        (Fault("upstream_error", reported=True), True, False),
        (Fault("upstream_error", status_code=502), False, False),
        (Fault("timeout", status_code=504), False, False),
        (Fault("timeout", status_code=408), False, False),
        (Fault("timeout"), False, False),
        (Fault("connection"), False, False),
        (Fault("cancelled"), False, False),
        (Fault("bad_response"), False, False),
    ],
    ids=lambda value: f"{value.reason} {value.status_code}" if isinstance(value, Fault) else "",
)
def test_a_failed_call_is_free_only_where_that_is_certain(
    fault: Fault, router: bool, direct: bool
) -> None:
    assert (costs_nothing(fault, ROUTER), costs_nothing(fault, DIRECT)) == (router, direct)
