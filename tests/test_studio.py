"""`langgraph dev` draws, describes and runs the graph; Studio talks to the same API."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph_sdk import get_client
from openai import AsyncOpenAI

from langgraph_fusion.graph.journal.store import open_runs
from tests.graph.cast import JUDGE, PANEL, WRITER, cast
from tests.langgraph_clients import SEATS, asked, every_mode_tells
from tests.langgraph_dev import langgraph_dev
from tests.scripted import Reply, ScriptedServer, Seen, hang, scripted_server, status, text
from tests.server.mcp_clients import over_http, text_of, until
from tests.server.remote_runnable import remote_runnable

pytestmark = pytest.mark.timeout(240)
OFFLINE: Any = {"preset": "offline", "max_rounds": 0, "tools": ["docs"]}


class Studio:
    """A running LangGraph server, its client, and the models behind it."""

    def __init__(self, url: str, models: ScriptedServer, runs: Path) -> None:
        self.url = url
        self.runs = runs
        self.models = models
        self.client = get_client(url=url)


def _script(seen: Seen) -> Reply | Any:
    if "unpaid" in seen.text:
        return status(402)
    return hang() if "endless" in seen.text else cast(answer="It is 42.")(seen)


@pytest.fixture(scope="module")
async def studio(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    async with scripted_server(_script) as models:
        runs = folder / "runs.db"
        env = {"OPENROUTER_API_KEY": "sk-or-secret-key", "OPENROUTER_BASE_URL": models.base_url}
        async with langgraph_dev(folder, env | {"FUSION_RUNS": str(runs)}) as url:
            studio = Studio(url, models, runs)
            async with studio.client:
                yield studio


async def drawn(studio: Studio, context: Any) -> str:
    """Names of all nodes that Studio draws for an assistant with these settings."""
    assistant = await studio.client.assistants.create("fusion", context=context)
    graph = await studio.client.assistants.get_graph(assistant["assistant_id"], xray=True)
    return " ".join(str(node["id"]) for node in graph["nodes"])


async def test_an_assistant_is_drawn_with_the_seats_of_its_settings(studio: Studio) -> None:
    names = await drawn(studio, OFFLINE)
    for part in ("prepare", "member_A", "member_C", "judge", "synthesizer", "check"):
        assert re.search(rf"\b{part}\b", names), names
    assert "model" in names, "the members' own loops are drawn"
    assert "member_D" not in names

    alone = await drawn(studio, SEATS | {"panel": [{"model": "m/a"}]})
    assert "member_B" not in alone
    eight = await drawn(studio, SEATS | {"panel": [{"model": "m/a"}] * 8})
    assert "member_H" in eight


async def test_the_settings_form_has_descriptions_bounds_and_choices(studio: Studio) -> None:
    [assistant] = await studio.client.assistants.search(name="fusion")
    schemas = await studio.client.assistants.get_schemas(assistant["assistant_id"])
    given: Any = schemas["input_schema"]
    assert "messages" in given["properties"]
    context: Any = schemas["context_schema"]
    fields = context["properties"]
    assert (fields["max_rounds"]["minimum"], fields["max_rounds"]["maximum"]) == (0, 3)
    assert fields["mode"]["enum"][0] == "synthesize"
    assert fields["length"]["enum"] == ["auto", "brief", "full"]
    assert all(field.get("description") for field in fields.values())


async def test_a_run_answers_with_the_settings_of_its_context(studio: Studio) -> None:
    out: Any = await studio.client.runs.wait(None, "fusion", input=asked(), context=OFFLINE)
    assert (out["fusion"]["preset"], out["fusion"]["rounds"]) == ("offline", 0)
    assert out["messages"][-1]["type"] == "ai"
    assert "](" in out["messages"][-1]["content"]


async def test_every_stream_mode_tells_of_the_run(studio: Studio) -> None:
    await every_mode_tells(studio.client)


async def test_a_thread_keeps_the_conversation_and_every_turn_is_a_run_of_its_own(
    studio: Studio,
) -> None:
    thread = (await studio.client.threads.create())["thread_id"]
    for question in ("What is it?", "Are you sure?"):
        await studio.client.runs.wait(thread, "fusion", input=asked(question), context=SEATS)
    values: Any = (await studio.client.threads.get_state(thread))["values"]
    assert [one["type"] for one in values["messages"]] == ["human", "ai", "human", "ai"]
    assert values["fusion"]["question"] == "Are you sure?"
    assert len(values["fusion"]["answers"]) == 3


async def test_wrong_settings_end_the_run_with_a_message_that_names_the_field(
    studio: Studio,
) -> None:
    for wrong, says in (({"max_rounds": 9}, "max_rounds"), ({"preset": "nope"}, "no 'nope'")):
        said = await _refusal(studio, wrong)
        assert says in said, said


async def test_a_run_that_fails_says_why_in_its_stream(studio: Studio) -> None:
    assert "no member answered" in await _refusal(studio, SEATS, "Is it unpaid?")
    for context, says in (({"max_rounds": 9}, "max_rounds"), (SEATS, "no member answered")):
        question = asked("Is it unpaid?")
        stream = studio.client.runs.stream
        events: list[Any] = []
        async for part in stream(
            None, "fusion", input=question, context=context, stream_mode="custom"
        ):
            events += [part.data] if part.event == "custom" else []
        assert events[-1]["type"] == "run.failed"
        assert says in events[-1]["message"]


async def test_a_panel_of_another_size_comes_with_the_run_s_context(studio: Studio) -> None:
    pair = SEATS | {"panel": [{"model": "m/a"}, {"model": "m/b"}]}
    out: Any = await studio.client.runs.wait(None, "fusion", input=asked(), context=pair)
    assert [one["seat"] for one in out["fusion"]["answers"]] == ["A", "B"]


async def test_a_run_is_kept_under_the_server_s_id(studio: Studio) -> None:
    thread = (await studio.client.threads.create())["thread_id"]
    run = await studio.client.runs.create(thread, "fusion", input=asked(), context=SEATS)
    await studio.client.runs.join(thread, run["run_id"])
    async with open_runs(studio.runs) as runs:
        assert runs is not None
        record = await runs.get(run["run_id"].replace("-", ""))
    assert (record.status, record.total and record.total.calls) == ("finished", 5)


async def _refusal(studio: Studio, context: Any, question: str = "What is it?") -> str:
    said = ""
    stream = studio.client.runs.stream
    try:
        async for part in stream(None, "fusion", input=asked(question), context=context):
            if part.event == "error":
                said = str(part.data)
    except Exception as error:  # noqa: BLE001 - however the client says it
        said = str(error)
    return said


async def test_a_cancelled_run_frees_everything(studio: Studio) -> None:
    thread = (await studio.client.threads.create())["thread_id"]
    run = await studio.client.runs.create(
        thread, "fusion", input=asked("Is it endless?"), context=SEATS
    )
    await until(lambda: studio.models.in_flight == 3)
    await studio.client.runs.cancel(thread, run["run_id"], wait=True)
    await until(lambda: studio.models.in_flight == 0)
    out: Any = await studio.client.runs.wait(None, "fusion", input=asked("Now?"), context=SEATS)
    assert out["messages"][-1]["content"] == "It is 42."


async def test_a_client_that_leaves_its_stream_stops_the_run_if_it_says_so(
    studio: Studio,
) -> None:
    async def watch() -> None:
        stream = studio.client.runs.stream(
            None, "fusion", input=asked("Is it endless?"), context=SEATS, on_disconnect="cancel"
        )
        async for _ in stream:
            pass

    watching = asyncio.ensure_future(watch())
    await until(lambda: studio.models.in_flight == 3)
    watching.cancel()
    await asyncio.wait({watching})
    await until(lambda: studio.models.in_flight == 0)


async def test_one_process_serves_every_door(studio: Studio) -> None:
    names = {"panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER, "tools": []}
    async with AsyncOpenAI(base_url=f"{studio.url}/v1", api_key="none", max_retries=0) as openai:
        chat = await openai.chat.completions.create(
            model="fusion",
            messages=[{"role": "user", "content": "What is it?"}],
            extra_body={"fusion": names},
        )
    assert chat.choices[0].message.content == "It is 42."

    question = {"messages": [HumanMessage("What is it?")]}
    async with remote_runnable(studio.url) as remote:
        out = await remote.ainvoke(question, config={"configurable": names})
    assert out["messages"][-1].text == "It is 42."

    async with over_http(f"{studio.url}/mcp") as session:
        result = await session.call_tool("deliberate", {"question": "What is it?"} | names)
    assert text_of(result) == "It is 42."


@pytest.mark.parametrize("preset", ["offline", "local"])
async def test_the_openai_routes_serve_the_preset_that_the_graph_chooses(
    preset: str, tmp_path: Path
) -> None:
    """Without a hosted provider's key: the offline models, or a local server where one answers."""
    async with scripted_server(lambda seen: text("It is 42.")) as models:
        where = {"LOCAL_BASE_URL": models.base_url} if preset == "local" else {}
        async with langgraph_dev(tmp_path, where) as url:
            async with get_client(url=url) as graph:
                out: Any = await graph.runs.wait(None, "fusion", input=asked())
            question: Any = asked()["messages"]
            async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none") as client:
                chat = await client.chat.completions.create(model="fusion", messages=question)
                response = await client.responses.create(model="fusion", input=question)
                listed = [one async for one in client.models.list()]
    assert out["fusion"]["preset"] == preset
    for reply in (chat, response):
        said: Any = reply.model_extra
        assert said["fusion"]["preset"] == preset
    [fusion] = [one.model_extra for one in listed if one.id == "fusion"]
    assert fusion is not None
    assert fusion["fusion"]["preset"] == preset
