"""Files through every door of the server, with the clients that people use."""

import re
from typing import Any

import pytest
from aiohttp import web
from langchain_core.messages import HumanMessage

from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.server.runs.client_policy import ClientPolicy
from tests.files import FACT, asked_with, base64_of, data_url, readable
from tests.graph.cast import WRITER, A, cast
from tests.graph.test_files import QUESTION, reader, writer
from tests.scripted import Reply, Seen, text, tool_calls
from tests.server.conftest import Serving
from tests.server.mcp_clients import over_http
from tests.server.remote_runnable import remote_runnable
from tests.tools.site import site

SEATS: dict[str, Any] = {"panel": [A], "judge": "none", "synthesizer": WRITER, "tools": ["docs"]}
SCRIPT = cast({A: reader(), WRITER: writer})
PDF = readable()["report.pdf"]
TEXT = {"type": "text", "text": QUESTION}
CHAT_FILE: Any = {"type": "file", "file": {"filename": "report.pdf", "file_data": data_url(PDF)}}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LangServe calls what is old


def asked_in_chat(*files: Any) -> Any:
    return [{"role": "user", "content": [TEXT, *files]}]


async def test_chat_completions_read_a_file_whole_and_streamed(serving: Serving) -> None:
    served = await serving(SCRIPT)
    asked: Any = {
        "model": "fusion",
        "messages": asked_in_chat(CHAT_FILE),
        "extra_body": {"fusion": SEATS},
    }
    answer = await served.client.chat.completions.create(**asked)
    said: Any = answer
    assert "4711 tonnes" in said.choices[0].message.content
    (file,) = said.fusion["attached"]
    assert (file["name"], file["kind"], file["read"]) == ("report.pdf", "PDF", True)
    stream = await served.client.chat.completions.create(**asked, stream=True)
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "4711 tonnes" in "".join(pieces)


@pytest.mark.parametrize("way", ["file_data", "file_url"])
async def test_responses_read_a_file_that_is_sent_or_fetched(serving: Serving, way: str) -> None:
    served = await serving(SCRIPT, policy=ClientPolicy(any_setting=True))
    async with site({"/a/notes.docx": web.Response(body=readable()["notes.docx"])}) as there:
        part: Any = {"type": "input_file", "filename": "notes.docx"}
        part |= (
            {"file_data": base64_of(readable()["notes.docx"])}
            if way == "file_data"
            else {"file_url": f"{there.base}/a/notes.docx"}
        )
        content: Any = [{"type": "input_text", "text": QUESTION}, part]
        open_ = {"allow_networks": ["127.0.0.0/8"]}
        answer: Any = await served.client.responses.create(
            model="fusion",
            input=[{"role": "user", "content": content}],
            extra_body={"fusion": SEATS | open_},
        )
        assert "4711 tonnes" in answer.output_text
        assert answer.fusion["attached"][0]["read"]


async def test_an_address_inside_the_network_is_not_fetched_and_it_is_said(
    serving: Serving,
) -> None:
    served = await serving(SCRIPT)
    async with site({"/secret.txt": web.Response(text=FACT)}) as there:
        part: Any = {"type": "input_file", "file_url": f"{there.base}/secret.txt"}
        content: Any = [{"type": "input_text", "text": QUESTION}, part]
        answer: Any = await served.client.responses.create(
            model="fusion",
            input=[{"role": "user", "content": content}],
            extra_body={"fusion": SEATS},
        )
    assert "4711" not in answer.output_text
    (file,) = answer.fusion["attached"]
    assert "not on the public internet" in file["reason"]
    assert "file_not_read" in answer.fusion["degraded"]


async def test_a_stored_response_goes_on_with_its_files_which_lie_once_in_the_store(
    serving: Serving, tmp_path: Any
) -> None:
    served = await serving(SCRIPT, runs=str(tmp_path / "runs.db"))
    part: Any = {"type": "input_file", "filename": "report.pdf", "file_data": data_url(PDF)}
    hello: Any = {"type": "input_text", "text": "Here is the report."}
    first: Any = await served.client.responses.create(
        model="fusion",
        input=[{"role": "user", "content": [hello, part, part]}],
        store=True,
        extra_body={"fusion": SEATS},
    )
    second: Any = await served.client.responses.create(
        model="fusion",
        input=QUESTION,
        previous_response_id=first.id,
        store=True,
        extra_body={"fusion": SEATS},
    )
    assert "4711 tonnes" in second.output_text
    items: Any = await served.client.responses.input_items.list(second.id, order="asc")
    assert items.data[0].content[1].filename == "report.pdf"
    stored = await _stored_texts(str(tmp_path / "runs.db"))
    assert sum(text.count(base64_of(PDF)) for text in stored) == 2, "once for each response's run"
    await served.client.responses.delete(first.id)


async def _stored_texts(place: str) -> list[str]:
    async with open_runs(place) as runs:
        assert runs is not None
        found = await runs._store.asearch(("langgraph_fusion",), limit=10_000)
        return [str(item.value) for item in found]


async def test_langserve_reads_a_file(serving: Serving) -> None:
    served = await serving(SCRIPT)
    async with remote_runnable(served.url) as remote:
        out = await remote.ainvoke(
            {"messages": [asked_with(QUESTION, {"table.xlsx": readable()["table.xlsx"]})]},
            config={"configurable": SEATS},
        )
        assert "4711 tonnes" in out["messages"][-1].text
        assert out["fusion"]["attached"][0]["read"]
        stored = HumanMessage([TEXT, {"type": "file", "file_id": "file-1"}])
        with pytest.raises(Exception, match="file_id"):
            await remote.ainvoke({"messages": [stored]}, config={"configurable": SEATS})


RESOURCES: list[dict[str, Any]] = [
    {"name": "plain.txt", "text": readable()["plain.txt"].decode()},
    {"name": "report.pdf", "blob": base64_of(PDF)},
    {"uri": "file:///home/a/report.pdf", "mimeType": "application/pdf", "blob": base64_of(PDF)},
    {"type": "resource", "resource": {"uri": "notes://1", "text": readable()["read.md"].decode()}},
]


async def test_mcp_takes_files_as_its_resources_are(serving: Serving) -> None:
    served = await serving(SCRIPT)
    async with over_http(f"{served.url}/mcp") as session:
        for resource in RESOURCES:
            asked = {"question": QUESTION, "files": [resource], **SEATS}
            result = await session.call_tool("deliberate", asked)
            assert result.structuredContent is not None
            assert "4711 tonnes" in result.structuredContent["answer"], resource
            assert result.structuredContent["attached"][0]["read"]
        for wrong in ({"name": "x"}, "x", {"name": 5, "text": "y"}):
            result = await session.call_tool("deliberate", {**asked, "files": [wrong]})
            assert result.isError
            assert "files.0" in str(result.content)


async def test_clients_do_not_see_each_others_files(serving: Serving) -> None:
    def listing(seen: Seen) -> Reply:
        if not seen.tool_results:
            return tool_calls([("docs_search", {"query": ""})])
        return text(" ".join(re.findall(r"attached/\w+\.txt", seen.tool_results[-1])))

    served = await serving(cast({A: listing, WRITER: lambda seen: text(seen.last)}))
    for name in ("one.txt", "two.txt"):
        sent: Any = {"type": "file", "file": {"filename": name, "file_data": base64_of(b"words")}}
        answer: Any = await served.client.chat.completions.create(
            model="fusion",
            messages=asked_in_chat(sent),
            extra_body={"fusion": SEATS},
        )
        assert answer.fusion["answers"][0]["text"] == f"attached/{name}"
