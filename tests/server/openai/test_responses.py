"""`/v1/responses` with the official client: items, events, fields and their order."""

import json
from typing import Any

import httpx2
import openai
import pytest

from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.graph.cast import JUDGE, WRITER, A, B, C, cast, disputed
from tests.scripted import Seen, status, text, tool_calls
from tests.server.asking import PANEL
from tests.server.conftest import Served, Serving

Event = dict[str, Any]
CALL = "response.fusion_call."


def asking(**fusion: Any) -> Any:
    settings = PANEL | fusion
    return {
        "model": "openrouter/fusion",
        "input": "What is it?",
        "extra_body": {"fusion": settings},
    }


async def streamed(served: Served, **given: Any) -> list[Event]:
    """The events as the official client hands them on."""
    stream = await served.client.responses.create(**given, stream=True)
    return [wire(event) async for event in stream]


async def on_the_wire(served: Served, **given: Any) -> list[Event]:
    """The events as another client reads them."""
    headers = given.pop("headers", {})
    given = given.pop("extra_body", {}) | given | {"stream": True}
    events: list[Event] = []
    async with (
        httpx2.AsyncClient(timeout=60, headers=headers) as client,
        client.stream("POST", f"{served.url}/v1/responses", json=given) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line async for line in response.aiter_lines() if line.startswith("data: ")]
    assert lines.pop() == "data: [DONE]"
    for line in lines:
        events.append(json.loads(line.removeprefix("data: ")))
    return events


def wire(said: Any) -> dict[str, Any]:
    """What came over the wire; the client has no type for an `openrouter:fusion` item."""
    return dict(said.to_dict(warnings=False))


def types(events: list[Event], prefix: str = "response.") -> list[str]:
    return [one["type"] for one in events if one["type"].startswith(prefix)]


async def test_a_response_has_the_deliberation_and_the_message(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    response = await served.client.responses.create(
        **asking(), instructions="Be brief.", metadata={"for": "a test"}
    )
    assert (response.object, response.status, response.error) == ("response", "completed", None)
    assert response.output_text == "It is 42."
    assert response.model == WRITER
    assert (response.instructions, response.metadata) == ("Be brief.", {"for": "a test"})
    fusion, message = wire(response)["output"]
    assert fusion["type"] == "openrouter:fusion"
    assert fusion["status"] == "completed"
    assert fusion["responses"] == [
        {"model": A, "content": "Alpha says 42."},
        {"model": B, "content": "Beta says 42."},
        {"model": C, "content": "Gamma says 42."},
    ]
    fields = "consensus contradictions partial_coverage unique_insights blind_spots"
    assert list(fusion["analysis"]) == fields.split()
    assert fusion["analysis"]["consensus"] == ["It is 42."]
    assert message["content"][0]["type"] == "output_text"
    billed = served.models.usage()
    assert response.usage is not None
    assert response.usage.input_tokens == billed.prompt_tokens
    assert response.usage.output_tokens == billed.completion_tokens
    assert (response.usage.model_extra or {})["cost"] == pytest.approx(billed.cost)


async def test_the_events_come_in_the_documented_order(serving: Serving) -> None:
    served = await serving(cast({C: status(503)}, answer="It is 42."))
    events = await on_the_wire(served, **asking())
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    told = types(events)
    assert told[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        CALL + "in_progress",
    ]
    assert sorted(told[4:14], key=told.index)[:3] == [CALL + "panel.added"] * 3
    for seat in ("panel.delta", "panel.completed"):
        assert told.count(CALL + seat) == 2
    assert told.count(CALL + "panel.failed") == 1
    after = told[told.index(CALL + "analysis.in_progress") :]
    assert [one for one in after if "delta" not in one] == [
        CALL + "analysis.in_progress",
        CALL + "analysis.completed",
        CALL + "completed",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


async def test_every_event_of_the_panel_has_its_documented_fields(serving: Serving) -> None:
    served = await serving(cast({C: status(401)}))
    events = await on_the_wire(served, **asking())
    common = {"type", "output_index", "item_id", "sequence_number"}
    fields: dict[str, set[str]] = {
        "in_progress": set(),
        "panel.added": {"model"},
        "panel.delta": {"model", "delta"},
        "panel.completed": {"model", "content"},
        "panel.failed": {"model", "message", "status_code"},
        "analysis.in_progress": {"analyst_model", "judge_model"},
        "analysis.completed": {"analysis"},
        "completed": set(),
    }
    seen = {one["type"].removeprefix(CALL): one for one in events if one["type"].startswith(CALL)}
    assert {name: one.keys() - common for name, one in seen.items()} == fields
    ids = {one["item_id"] for one in seen.values()}
    item = next(one["item"] for one in events if one["type"] == "response.output_item.done")
    assert ids == {item["id"]}
    assert seen["analysis.in_progress"]["judge_model"] == JUDGE
    assert seen["panel.failed"]["model"] == C
    assert seen["panel.failed"]["status_code"] == 401
    assert item["failed_models"][0]["model"] == C


async def test_what_a_member_thought_comes_before_what_it_said(serving: Serving) -> None:
    def researching(seen: Seen) -> Any:
        if seen.tool_results:
            return text("Alpha says 42.", reasoning="The register settles it.")
        return tool_calls([("docs_search", {"query": "it"})], reasoning="Let me look.")

    parts: Any = {A: researching, B: text("", reasoning="Lost in thought.")}
    served = await serving(cast(parts), policy=ClientPolicy(any_setting=True))
    ask = asking(docs="builtin:docs", tools=["docs"], max_rounds=0)
    events = await streamed(served, **ask)
    told = [
        (one["type"], one["delta"]) for one in events if one.get("model") == A and "delta" in one
    ]
    assert told == [
        (CALL + "panel.reasoning.delta", "Let me look.\n\nThe register settles it."),
        (CALL + "panel.delta", "Alpha says 42."),
    ]
    assert CALL + "panel.reasoning.delta" not in {e["type"] for e in events if e.get("model") == C}
    assert "register settles" not in str(events[-1])


async def test_a_failed_member_does_not_end_the_stream_of_the_official_client(
    serving: Serving,
) -> None:
    served = await serving(cast({C: status(401)}, answer="It is 42."))
    events = await streamed(served, **asking())
    failed = next(one for one in events if one["type"] == CALL + "panel.failed")
    assert (failed["model"], failed["status_code"]) == (C, 401)
    assert failed["message"]
    assert events[-1]["type"] == "response.completed"


async def test_a_stream_and_a_whole_response_say_the_same(serving: Serving, docs: str) -> None:
    def member(seen: Seen) -> Any:
        if seen.tool_results:
            return text("The panel has three members [A1].")
        return tool_calls([("docs_search", {"query": "fusion panel"})])

    answer = "Three members [A1]. And [B7].\n\n- end [A1]"
    served = await serving(cast({A: member}, answer=answer), policy=ClientPolicy(any_setting=True))
    ask = asking(docs=docs, tools=["docs"])
    whole = wire(await served.client.responses.create(**ask))
    events = await streamed(served, **ask)
    last = events[-1]["response"]
    part = whole["output"][1]["content"][0]
    deltas = [one["delta"] for one in events if one["type"] == "response.output_text.delta"]
    assert "".join(deltas) == part["text"] == last["output"][1]["content"][0]["text"]
    told = [one for one in events if one["type"] == "response.output_text.annotation.added"]
    assert [one["annotation"] for one in told] == part["annotations"]
    for one in part["annotations"]:
        assert one["type"] == "url_citation"
        assert part["text"][one["start_index"] : one["end_index"]].startswith("[[1]](")
    assert len(part["annotations"]) == 2
    assert whole["output"][0]["sources"] == last["output"][0]["sources"] != []
    assert whole["output"][0]["sources"][0].keys() == {"url", "title"}
    assert last.keys() == whole.keys()


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_the_clients_own_helper_follows_the_stream(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    async with served.client.responses.stream(**asking()) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_response()
    assert final.output_text == "It is 42."


async def test_follow_ups_have_events_of_our_own_and_one_analysis(serving: Serving) -> None:
    served = await serving(cast(analysis=disputed()))
    events = await streamed(served, **asking())
    told = types(events, "")
    assert "fusion.follow_ups" in told
    assert told.count(CALL + "analysis.completed") == 1
    assert told.count(CALL + "panel.added") == 3
    off = await streamed(served, **asking(progress=False, details=False))
    assert not types(off, "fusion.") + types(off, CALL)
    assert "fusion" not in off[-1]["response"]
    assert "fusion" in events[-1]["response"]


async def test_a_run_without_an_answer_fails_in_the_stream(serving: Serving) -> None:
    served = await serving(cast({one: status(401) for one in (A, B, C)}))
    events = await streamed(served, **asking())
    assert events[-1]["type"] == "response.failed"
    response = events[-1]["response"]
    assert response["status"] == "failed"
    assert response["error"]["code"] == "all_panels_failed"
    item = response["output"][0]
    assert (item["type"], item["status"]) == ("openrouter:fusion", "incomplete")
    assert item["failure_reason"] == "all_panels_failed"
    assert [one["model"] for one in item["failed_models"]] == [A, B, C]
    with pytest.raises(openai.InternalServerError) as raised:
        await served.client.responses.create(**asking())
    assert raised.value.status_code == 502


async def test_a_failed_judge_leaves_the_analysis_out_and_says_why(serving: Serving) -> None:
    served = await serving(cast({JUDGE: text("not json")}))
    response = wire(await served.client.responses.create(**asking()))
    item = response["output"][0]
    assert item["status"] == "completed"
    assert "analysis" not in item
    assert item["failure_reason"] == "judge_not_valid_json"
    assert len(item["responses"]) == 3


async def test_without_a_panel_there_is_only_a_message(serving: Serving) -> None:
    served = await serving(cast(answer="Just me."))
    plugins = [{"id": "fusion", "enabled": False}]
    for form in ({"plugins": plugins}, {"tool_choice": "none"}):
        ask = asking() | {"model": "openrouter/fusion"}
        ask["extra_body"] = ask["extra_body"] | form
        response = wire(await served.client.responses.create(**ask))
        assert [item["type"] for item in response["output"]] == ["message"]
        assert {one.get("output_index", 0) for one in await streamed(served, **ask)} == {0}
    assert {seen.model for seen in served.models.requests} == {WRITER}


async def test_what_the_server_said_can_be_sent_back(serving: Serving) -> None:
    served = await serving(cast(answer="It is 42."))
    first = wire(await served.client.responses.create(**asking()))
    said = [{"role": "user", "content": "What is it?"}, *first["output"]]
    ask = asking() | {"input": [*said, {"role": "user", "content": "Are you sure?"}]}
    second = await served.client.responses.create(**ask)
    assert second.output_text == "It is 42."
    assert "It is 42." in served.models.seen_by(A)[-1].text


async def test_metadata_of_the_router_is_sent_when_a_header_asks(serving: Serving) -> None:
    served = await serving(cast())
    header = {"X-OpenRouter-Metadata": "enabled"}
    response = wire(await served.client.responses.create(**asking(), extra_headers=header))
    assert response["openrouter_metadata"]["strategy"] == "fusion"
    assert "openrouter_metadata" not in wire(await served.client.responses.create(**asking()))


async def test_models_are_the_presets_the_operator_permits(serving: Serving) -> None:
    served = await serving(
        cast(), policy=ClientPolicy(models=("offline:*",), default_preset="offline")
    )
    names = [model.id async for model in served.client.models.list()]
    assert names == ["fusion", "openrouter/fusion", "fusion/offline", "fusion/direct"]
    model = wire(await served.client.models.retrieve("openrouter/fusion"))
    assert model["fusion"]["panel"] == ["offline:keyword", "offline:broad", "offline:careful"]
    assert {"description", "pricing", "pricing_note"} <= model.keys()
    with pytest.raises(openai.NotFoundError):
        await served.client.models.retrieve("fusion/quality")


async def test_without_a_judge_the_item_says_so(serving: Serving) -> None:
    served = await serving(cast())
    events = await on_the_wire(served, **asking(judge="none"))
    told = [event["type"] for event in events]
    assert not [one for one in told if one.startswith(CALL + "analysis")]
    done = [event for event in events if event["type"] == "response.output_item.done"]
    item = next(one["item"] for one in done if one["item"]["type"] == "openrouter:fusion")
    assert (item["status"], item.get("analysis")) == ("completed", None)
    assert item["failure_reason"] == "no_judge"
    assert len(item["responses"]) == 3
