"""A seat that leads back to the server gets an answer, and no second deliberation."""

import httpx2
import openai
import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import JUDGE, WRITER, A, B, cast
from tests.server.asking import asking
from tests.server.conftest import Serving
from tests.server.langserve.test_routes import _body
from tests.server.mcp.test_http import ASK
from tests.server.mcp_clients import over_http


async def test_a_member_that_is_this_server_answers_without_a_panel(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serving(cast(), policy=ClientPolicy(models=("*",), any_setting=True))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{served.url}/v1")
    again = {"model": "openai:fusion", "extra": {"fusion": asking()["extra_body"]["fusion"]}}
    ask = asking(panel=[A, again], details=True)
    reply = await served.client.chat.completions.create(**ask)
    assert reply.choices[0].message.content == "Done."
    asked = [seen.model for seen in served.models.requests]
    assert sorted(set(asked)) == sorted([A, JUDGE, WRITER])
    assert asked.count(A) == 1, "only the outer panel was asked"
    assert asked.count(WRITER) == 2, "once for the member, once for the answer"
    depths = {seen.headers["x-openrouter-fusion-depth"] for seen in served.models.requests}
    assert depths == {"1", "2"}


async def test_a_loop_of_writers_ends_with_an_error_that_says_so(
    serving: Serving,
) -> None:
    served = await serving(cast())
    ask = asking(panel=[A, B])
    with pytest.raises(openai.BadRequestError) as raised:
        await served.client.chat.completions.create(
            **ask, extra_headers={"x-openrouter-fusion-depth": "2"}
        )
    assert raised.value.code == "recursion"
    assert not served.models.requests


@pytest.mark.parametrize("value", ["1", "yes"])
async def test_a_request_from_inside_a_deliberation_is_answered_by_the_synthesizer_alone(
    serving: Serving, value: str
) -> None:
    served = await serving(cast())
    await served.client.chat.completions.create(
        **asking(), extra_headers={"x-openrouter-fusion-depth": value}
    )
    assert [seen.model for seen in served.models.requests] == [WRITER]


@pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute:DeprecationWarning")
async def test_mcp_and_langserve_keep_and_pass_on_the_depth(serving: Serving) -> None:
    served = await serving(cast())
    for depth, told in (("1", "2"), ("2", None)):
        headers = {"x-openrouter-fusion-depth": depth}
        before = len(served.models.requests)
        async with over_http(f"{served.url}/mcp", **headers) as session:
            result = await session.call_tool("deliberate", ASK)
        assert result.isError == (told is None)
        async with httpx2.AsyncClient(timeout=60, headers=headers) as client:
            response = await client.post(f"{served.url}/fusion/invoke", json=_body())
        assert response.status_code == (200 if told else 400)
        asked = served.models.requests[before:]
        assert [seen.model for seen in asked] == ([WRITER] * 2 if told else [])
        assert all(seen.headers["x-openrouter-fusion-depth"] == told for seen in asked)
