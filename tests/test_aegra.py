"""Aegra, an open LangGraph server, runs the graph on several hosts and loses nothing."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient
from openai import AsyncOpenAI

from langgraph_fusion.graph.journal.journal_bill import calls_in
from langgraph_fusion.graph.journal.store import open_runs
from tests.aegra import Instance, aegra, aegra_python, redis_server
from tests.graph.cast import JUDGE, PANEL, WRITER, cast
from tests.langgraph_clients import SEATS, asked, every_mode_tells
from tests.postgres_server import postgres_server
from tests.scripted import Reply, ScriptedServer, Seen, hang, scripted_server, status
from tests.server.mcp_clients import until

pytestmark = pytest.mark.timeout(900)


class Hosts:
    """Two instances, the models behind them, and where runs are kept."""

    def __init__(self, models: ScriptedServer, env: Mapping[str, str]) -> None:
        self.models = models
        self.env = env
        self.instances: list[Instance] = []
        self.clients: list[LangGraphClient] = []
        self.let_go = asyncio.Event()
        self.losing = False


async def _script(seen: Seen, hosts: Hosts) -> Reply | Any:
    if "unpaid" in seen.text:
        return status(402)
    if "endless" in seen.text or ("lost" in seen.text and hosts.losing and seen.model != PANEL[0]):
        return hang()
    if "held" in seen.text or ("frozen" in seen.text and seen.model != PANEL[0]):
        await hosts.let_go.wait()
    return cast(answer="It is 42.")(seen)


@pytest.fixture(scope="module")
async def hosts(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hosts]:
    folder = tmp_path_factory.mktemp("aegra")
    python = await asyncio.to_thread(aegra_python, folder / "venv")
    async with AsyncExitStack() as stack:
        database = stack.enter_context(postgres_server())
        env = {"DATABASE_URL": database, "REDIS_URL": stack.enter_context(redis_server())}
        held: list[Hosts] = []
        models = await stack.enter_async_context(
            scripted_server(lambda seen: _script(seen, held[0]))
        )
        env |= {"FUSION_RUNS": database, "OPENROUTER_API_KEY": "sk-or-secret-key"}
        hosts = Hosts(models, env | {"OPENROUTER_BASE_URL": models.base_url})
        held.append(hosts)
        for name in ("a", "b"):
            instance = await stack.enter_async_context(aegra(python, folder / name, hosts.env))
            hosts.instances.append(instance)
            client = get_client(url=instance.url)
            hosts.clients.append(await stack.enter_async_context(client))
        yield hosts


async def test_a_run_answers_and_is_kept_under_the_server_s_id(hosts: Hosts) -> None:
    thread = (await hosts.clients[0].threads.create())["thread_id"]
    run = await hosts.clients[0].runs.create(thread, "fusion", input=asked(), context=SEATS)
    out: Any = await hosts.clients[1].runs.join(thread, run["run_id"])
    assert out["messages"][-1]["content"] == "It is 42."
    record = await _record(hosts, run["run_id"])
    assert (record.status, record.total and record.total.calls) == ("finished", 5)


async def test_a_thread_keeps_the_conversation_and_every_turn_is_a_run_of_its_own(
    hosts: Hosts,
) -> None:
    thread = (await hosts.clients[0].threads.create())["thread_id"]
    for client, question in (
        (hosts.clients[0], "What is it?"),
        (hosts.clients[1], "Are you sure?"),
    ):
        await client.runs.wait(thread, "fusion", input=asked(question), context=SEATS)
    values: Any = (await hosts.clients[0].threads.get_state(thread))["values"]
    assert [one["type"] for one in values["messages"]] == ["human", "ai", "human", "ai"]
    assert (values["fusion"]["question"], len(values["fusion"]["answers"])) == ("Are you sure?", 3)


async def test_a_panel_of_another_size_comes_with_the_run_s_context(hosts: Hosts) -> None:
    pair = SEATS | {"panel": [{"model": "m/a"}, {"model": "m/b"}]}
    for given in ({"context": pair}, {"config": {"configurable": pair}}):
        out: Any = await hosts.clients[0].runs.wait(None, "fusion", input=asked(), **given)
        assert [one["seat"] for one in out["fusion"]["answers"]] == ["A", "B"]
    alone: Any = SEATS | {"panel": [{"model": "m/c"}]}
    made = await hosts.clients[0].assistants.create("fusion", context=alone)
    out = await hosts.clients[0].runs.wait(None, made["assistant_id"], input=asked())
    assert [one["model"] for one in out["fusion"]["answers"]] == ["openrouter:m/c"]


async def test_every_stream_mode_tells_of_the_run(hosts: Hosts) -> None:
    await every_mode_tells(hosts.clients[0])


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"max_rounds": 9}, "max_rounds"),
        ({"preset": "nope"}, "no 'nope'"),
        (SEATS, "no member answered"),
    ],
)
async def test_a_run_that_fails_says_why_in_its_stream_and_to_who_waits(
    hosts: Hosts, context: Any, says: str
) -> None:
    failed = []
    question = asked("Is it unpaid?")
    chosen: Any = ((["custom"], False), (["values", "custom"], True))
    for modes, subgraphs in chosen:
        async for part in hosts.clients[0].runs.stream(
            None, "fusion", input=question, context=context,
            stream_mode=modes, stream_subgraphs=subgraphs,
        ):  # fmt: skip
            if part.event == "custom" and part.data["type"] == "run.failed":
                failed.append(part.data)
    assert len(failed) == 2
    assert all(says in one["message"] for one in failed), failed
    with pytest.raises(Exception, match=says):
        await hosts.clients[0].runs.wait(None, "fusion", input=question, context=context)


async def test_a_cancelled_run_frees_everything(hosts: Hosts) -> None:
    thread = (await hosts.clients[0].threads.create())["thread_id"]
    run = await hosts.clients[0].runs.create(
        thread, "fusion", input=asked("Is it endless?"), context=SEATS
    )
    await until(lambda: hosts.models.in_flight == 3)
    await hosts.clients[1].runs.cancel(thread, run["run_id"], wait=True)
    await until(lambda: hosts.models.in_flight == 0)
    assert (await hosts.clients[0].runs.get(thread, run["run_id"]))["status"] == "interrupted"


@pytest.mark.parametrize("leaves", ["cancel", "continue"])
async def test_a_client_that_leaves_its_stream_stops_the_run_only_if_it_says_so(
    hosts: Hosts, leaves: Any
) -> None:
    thread = (await hosts.clients[0].threads.create())["thread_id"]

    async def watch() -> None:
        stream = hosts.clients[0].runs.stream(
            thread, "fusion", input=asked("Is it held?"), context=SEATS, on_disconnect=leaves
        )
        async for _ in stream:
            pass

    hosts.let_go.clear()
    watching = asyncio.ensure_future(watch())
    await until(lambda: hosts.models.in_flight == 3)
    watching.cancel()
    await asyncio.wait({watching})
    if leaves == "continue":
        hosts.let_go.set()
    await until(lambda: hosts.models.in_flight == 0)
    [run] = await hosts.clients[0].runs.list(thread)
    ended = {"cancel": "interrupted", "continue": "success"}[leaves]
    async with asyncio.timeout(30):
        while (run := await hosts.clients[0].runs.get(thread, run["run_id"]))["status"] != ended:
            await asyncio.sleep(0.1)


async def test_one_process_serves_every_door(hosts: Hosts) -> None:
    names = {"panel": list(PANEL), "judge": JUDGE, "synthesizer": WRITER, "tools": []}
    async with AsyncOpenAI(
        base_url=f"{hosts.instances[0].url}/v1", api_key="none", max_retries=0
    ) as openai:
        chat = await openai.chat.completions.create(
            model="fusion",
            messages=[{"role": "user", "content": "What is it?"}],
            extra_body={"fusion": names},
        )
    assert chat.choices[0].message.content == "It is 42."


async def test_an_instance_that_wakes_up_does_not_spoil_the_run_that_another_has_taken(
    hosts: Hosts,
) -> None:
    """SIGSTOP in mid-run, SIGCONT while the other instance is at work on it."""
    hosts.let_go.clear()
    hosts.models.forget()
    thread = (await hosts.clients[0].threads.create())["thread_id"]
    question = asked("Is it frozen?")
    run = await hosts.clients[0].runs.create(thread, "fusion", input=question, context=SEATS)
    await until(lambda: hosts.models.in_flight == 2 and hosts.models.usage().calls == 1)
    await _paid_call_is_kept(hosts, run["run_id"])
    [frozen] = [n for n, one in enumerate(hosts.instances) if one.has_taken(run["run_id"])]
    hosts.instances[frozen].process.send_signal(signal.SIGSTOP)
    try:
        await until(lambda: hosts.models.in_flight == 4, 60)
    finally:
        hosts.instances[frozen].process.send_signal(signal.SIGCONT)
    await until(lambda: hosts.models.in_flight == 2)
    hosts.let_go.set()
    out: Any = await hosts.clients[1 - frozen].runs.join(thread, run["run_id"])
    assert out["messages"][-1]["content"] == "It is 42."
    assert (await hosts.clients[0].runs.get(thread, run["run_id"]))["status"] == "success"
    assert Counter(seen.model for seen in hosts.models.requests)["m/a"] == 1
    assert out["fusion"]["bill"]["total"]["known_cost_usd"] == pytest.approx(
        hosts.models.usage().cost
    )


async def test_the_other_instance_finishes_a_killed_one_s_run_and_pays_nothing_twice(
    hosts: Hosts,
) -> None:
    """Member A's reply is in the journal, B and C are being asked: kill -9."""
    hosts.losing = True
    hosts.models.forget()
    thread = (await hosts.clients[0].threads.create())["thread_id"]
    run = await hosts.clients[0].runs.create(
        thread,
        "fusion",
        input=asked("Is it lost?"),
        context=SEATS,
        stream_mode=["custom", "values"],
    )
    await until(lambda: hosts.models.in_flight == 2 and hosts.models.usage().calls == 1)
    await _paid_call_is_kept(hosts, run["run_id"])
    [killed] = [n for n, one in enumerate(hosts.instances) if one.has_taken(run["run_id"])]
    survivor = 1 - killed
    watching = asyncio.ensure_future(_told(hosts.clients[survivor], thread, run["run_id"]))
    hosts.instances[killed].kill()
    hosts.losing = False
    out: Any = await hosts.clients[survivor].runs.join(thread, run["run_id"])

    assert out["messages"][-1]["content"] == "It is 42."
    assert (await watching)[-1] == "run.finished"
    paid, total = hosts.models.usage(), out["fusion"]["bill"]["total"]
    assert (total["calls"], total["failed_calls"], paid.calls) == (7, 2, 5)
    assert total["known_cost_usd"] == pytest.approx(paid.cost)
    asked_of = Counter(seen.model for seen in hosts.models.requests)
    assert asked_of == {"m/a": 1, "m/b": 2, "m/c": 2, JUDGE: 1, WRITER: 1}
    record = await _record(hosts, run["run_id"])
    assert (record.status, record.resumes) == ("finished", 1)


async def _told(client: LangGraphClient, thread: str, run: str) -> list[str]:
    """What a client hears that watches the run from the other instance."""
    parts = client.runs.join_stream(thread, run)
    return [part.data["type"] async for part in parts if part.event == "custom"]


async def _paid_call_is_kept(hosts: Hosts, run_id: str) -> None:
    """Wait until the journal has the reply of the one member that answered."""
    async with open_runs(hosts.env["FUSION_RUNS"]) as runs, asyncio.timeout(30):
        assert runs is not None
        while True:
            record = await runs.get(run_id.replace("-", ""))
            if any(call.error is None for call in calls_in(await runs.journal(record))):
                return
            await asyncio.sleep(0.05)


async def _record(hosts: Hosts, run_id: str) -> Any:
    async with open_runs(hosts.env["FUSION_RUNS"]) as runs:
        assert runs is not None
        return await runs.get(run_id.replace("-", ""))
