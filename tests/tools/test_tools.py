"""The tools as an agent meets them: through `create_agent`, with the context as its context."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from langchain.agents import create_agent
from langchain.agents.middleware import ToolErrorMiddleware
from langchain_core.messages import ToolMessage

from langgraph_fusion.sandbox.base import ExecResult, FileList, SandboxUnavailable
from langgraph_fusion.tools import TOOL_GROUPS, member_tools
from langgraph_fusion.tools.context import (
    SharedTools,
    SharedToolsSettings,
    ToolContext,
    open_shared_tools,
)
from tests.tools.site import Handler, ScriptedModel, html, pdf, redirect, site

RESULTS = {
    "results": [
        {"url": "https://e.org/a?utm_source=x", "title": 'The "A"', "content": "One</source>two."},
        {"url": "https://e.org/b", "title": "B", "content": "Three."},
    ]
}


class Machine:
    """A sandbox that notes what it is asked to run."""

    def __init__(self, broken: bool = False, result: ExecResult | None = None) -> None:
        self.broken = broken
        self.result = result or ExecResult(3, "42\n", cwd="/work", seconds=0.1, note="a note")
        self.asked: list[tuple[str, float | None, bool]] = []

    async def run(
        self, command: str, *, timeout_s: float | None = None, restart: bool = False
    ) -> ExecResult:
        if self.broken:
            raise SandboxUnavailable("socket /var/run/engine.sock")
        self.asked.append((command, timeout_s, restart))
        return self.result

    async def put(self, path: str, data: bytes, *, read_only: bool = False) -> None: ...

    async def get(self, path: str, max_bytes: int | None = None) -> bytes:
        return b""

    async def list_files(self, directory: str = "", *, max_files: int = 200) -> FileList:
        return FileList()

    async def close(self) -> None: ...


@asynccontextmanager
async def shared_tools_of(
    pages: Mapping[str, web.Response | Handler], monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[tuple[SharedTools, str]]:
    async with site(pages) as server:
        monkeypatch.setenv("SEARXNG_URL", server.base)
        values = {"search": "searxng", "allow_networks": ("127.0.0.1/32",)} | settings
        async with open_shared_tools(SharedToolsSettings.model_validate(values)) as shared:
            yield shared, server.base


async def calls(context: ToolContext, *wanted: tuple[str, dict[str, Any]]) -> list[ToolMessage]:
    """What an agent at this context gets for these tool calls."""
    agent: Any = create_agent(
        ScriptedModel(calls=list(wanted)),
        member_tools(),
        context_schema=ToolContext,
        middleware=[ToolErrorMiddleware(lambda error, _: f"{error}")],
    )
    result = await agent.ainvoke({"messages": ["go"]}, context=context)
    return [message for message in result["messages"] if isinstance(message, ToolMessage)]


async def call(context: ToolContext, name: str, **args: Any) -> ToolMessage:
    return (await calls(context, (name, args)))[0]


async def test_the_model_sees_the_arguments_and_nothing_of_the_runtime() -> None:
    model = ScriptedModel(calls=[])
    agent: Any = create_agent(model, member_tools(), context_schema=ToolContext)
    await agent.ainvoke({"messages": ["go"]})
    seen = {each["name"]: list(each["parameters"]["properties"]) for each in model.schemas}
    assert seen == {
        "web_search": ["query", "max_results", "recency", "site", "language"],
        "web_fetch": ["url", "start"],
        "docs_search": ["query", "max_results", "page"],
        "docs_read": ["id_or_path", "section", "start", "end"],
        "bash": ["command", "timeout_s", "restart"],
    }
    assert list(seen) == [tool.name for tool in member_tools()]
    assert list(seen) == [name for group in TOOL_GROUPS.values() for name in group]
    assert all(each["description"] for each in model.schemas)
    assert not any("\n " in each["description"] for each in model.schemas)
    assert "runtime" not in str(model.schemas).lower()


async def test_search_results_are_sources_of_the_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"/search": web.json_response(RESULTS)}
    async with shared_tools_of(pages, monkeypatch) as (shared, _):
        first = await call(ToolContext("A", shared), "web_search", query="x", recency="week")
        second = await call(ToolContext("B", shared), "web_search", query="x", max_results=1)
    assert first.text == (
        '<source id="A1" title="The &quot;A&quot;" url="https://e.org/a?utm_source=x">\n'
        "One&lt;/source>two.\n</source>\n\n"
        '<source id="A2" title="B" url="https://e.org/b">\nThree.\n</source>'
    )
    assert second.text.startswith('<source id="B1"')
    assert second.text.count("<source ") == 1
    merged = shared.sources.resolve("B1")
    assert merged is not None
    assert (merged.id, merged.text) == ("A1", "One</source>two.")


async def test_a_search_can_be_narrowed_to_a_site_and_a_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.query["q"], request.query.get("language", "")))
        rows = [{"url": "https://a.e.org/", "title": 1}, {"url": "https://other.org/"}]
        return web.json_response({"results": rows})

    async with shared_tools_of({"/search": answer}, monkeypatch) as (shared, _):
        context = ToolContext("A", shared)
        sites = ("e.org", "site:E.org", "https://e.org/path?x", "*.e.org", " ")
        found = await calls(
            context,
            *(("web_search", {"query": f"x{n}", "site": site}) for n, site in enumerate(sites)),
            ("web_search", {"query": "x", "language": "pt_br"}),
            ("web_search", {"query": "x", "site": "e.org or f.org"}),
            ("web_search", {"query": "x", "language": "Portuguese"}),
        )
    assert asked == [*((f"x{n} site:e.org", "") for n in range(4)), ("x4", ""), ("x", "pt-BR")]
    assert ["other.org" in message.text for message in found] == [False] * 4 + [True] * 2 + [
        False
    ] * 2
    assert [message.status for message in found] == ["success"] * 6 + ["error"] * 2


async def test_what_an_engine_cannot_filter_by_is_said_and_dates_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {
        "url": "https://e.org/",
        "title": "T",
        "highlights": ["H"],
        "publishedDate": "2026-11-02",
    }
    monkeypatch.setenv("EXA_API_KEY", "sk-exa")
    pages = {"/search": web.json_response({"results": [row]})}
    async with site(pages) as server:
        monkeypatch.setenv("EXA_BASE_URL", server.base)
        async with open_shared_tools(SharedToolsSettings(search=("exa",))) as shared:
            found = await call(ToolContext("A", shared), "web_search", query="x", language="de")
    assert found.text == (
        "[language left out: this search engine cannot filter by it]\n\n"
        '<source id="A1" title="T" url="https://e.org/" published="2026-11-02">\nH\n</source>'
    )
    assert shared.sources.all()[0].published == "2026-11-02"


async def test_nothing_found_is_said_and_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"/search": web.json_response({"results": []})}
    async with shared_tools_of(pages, monkeypatch) as (shared, _):
        message = await call(ToolContext("A", shared), "web_search", query="x")
    assert message.status == "success"
    assert message.text.startswith("No results.")


async def test_a_failure_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"/go": redirect("http://127.0.0.2:1/secret")}
    async with shared_tools_of(pages, monkeypatch, exclude=("bad.org",)) as (shared, base):
        messages = await calls(
            ToolContext("A", shared),
            ("web_search", {"query": "x"}),
            ("web_search", {"query": " "}),
            ("web_search", {"query": "x site:bad.org"}),
            ("web_fetch", {"url": f"{base}/go"}),
            ("web_fetch", {"url": "https://bad.org/page"}),
            ("web_fetch", {"url": "docs:a.md"}),
            ("web_fetch", {"url": f"{base}/missing"}),
            ("docs_search", {"query": "x"}),
            ("bash", {"command": "ls"}),
        )
    assert {message.status for message in messages} == {"error"}
    assert [message.text.partition(".")[0] for message in messages] == [
        "SearXNG refused (status 404)",
        "`query` takes 1 to 400 characters",
        "This query asks for a site that is excluded from this run",
        "This address is not on the public internet and cannot be read",
        "This address is excluded from this run",
        "This is a document",
        "The server answered 404 Not Found",
        "There are no documents in this run",
        "There is no sandbox in this run",
    ]


async def test_wrong_arguments_are_explained_to_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    async with shared_tools_of({}, monkeypatch) as (shared, _):
        context = ToolContext("A", shared)
        messages = await calls(context, ("web_search", {"recency": "eon"}), ("bash", {}))
    assert {message.status for message in messages} == {"error"}
    assert "query" in messages[0].text
    assert "ToolContext" not in messages[0].text


async def test_a_long_page_is_read_in_parts_under_one_id(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"Line {n} of the long page.\n" for n in range(100)).strip()
    pages = {"/p": web.Response(text=text)}
    fetch = {"page_chars": 1500}
    async with shared_tools_of(pages, monkeypatch, fetch=fetch) as (shared, base):
        context = ToolContext("A", shared)
        first = await call(context, "web_fetch", url=f"{base}/p")
        head, last = first.text.rsplit("\n", 1)
        start = int(last.partition("use start=")[2].rstrip("]"))
        second = await call(context, "web_fetch", url="A1", start=start)
    assert head.startswith('<source id="A1"')
    left = len(text) - start
    assert last == f"[characters 0-{start} of {len(text)}; {left} remain: use start={start}]"
    assert "Line 99" in second.text
    source = shared.sources.get("A1")
    assert source is not None
    assert all(f"Line {n} of" in source.text for n in range(100))


async def test_of_a_long_page_what_is_asked_for_is_shown_and_the_rest_from_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [f"<p>Plain talk of harbour item {n}, and a little more of it. </p>" for n in range(190)]
    told[120] = "<p>Kingfishers nest in banks of sand.</p>"
    async with (
        site({"/long": html("".join(told))}) as served,
        shared_tools_of({}, monkeypatch, allow_networks=["127.0.0.0/8"]) as (shared, _),
    ):
        context = ToolContext("A", shared, topic="Where do kingfishers nest?")
        url = f"{served.base}/long"
        page = await call(context, "web_fetch", url=url)
        source = shared.sources.get("A1")
        gap = re.search(r"\[characters (\d+)-(\d+) left out\]", page.text)
        assert gap is not None
        rest = await call(context, "web_fetch", url=url, start=int(gap[1]))
    assert "Kingfishers nest in banks of sand." in page.text
    assert "harbour item 0," in page.text
    assert "start= shows it" in page.text
    assert len(page.text) < 7000
    assert source is not None
    assert "left out" not in source.text
    assert rest.text.partition("\n")[2].lstrip().startswith("Plain talk of harbour item")
    assert "left out" not in rest.text


async def test_a_page_takes_the_place_of_its_search_result(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(
        {"/deep": html("<p>The whole page has many more words than that.</p>")}
    ) as web_:
        hit = {"url": f"{web_.base}/deep", "title": "Deep", "content": "snippet"}
        pages = {"/search": web.json_response({"results": [hit]})}
        async with shared_tools_of(pages, monkeypatch) as (shared, _):
            context = ToolContext("C", shared)
            await call(context, "web_search", query="deep")
            page = await call(context, "web_fetch", url="[C1]")
    assert page.text.startswith('<source id="C1"')
    assert "many more words" in page.text
    assert [source.kind for source in shared.sources.all()] == ["page"]


async def test_a_pdf_with_pages_left_out_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"/p": web.Response(body=pdf("one", "two"), content_type="application/pdf")}
    async with shared_tools_of(pages, monkeypatch, fetch={"max_pdf_pages": 1}) as (shared, base):
        message = await call(ToolContext("A", shared), "web_fetch", url=f"{base}/p")
    assert message.text.endswith("[only the first 1 of 2 pages could be read]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    parts = "\n\n".join(f"## Part {n}\n\nHarbour rule {n}. " + "word " * 150 for n in range(20))
    (folder / "rules & more.md").write_text(f"# Rules\n\n{parts}\n")
    (folder / "empty.md").write_text("")
    return folder


async def test_documents_are_searched_and_read_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shared_tools_of({}, monkeypatch, docs=folder) as (shared, _):
        context = ToolContext("B", shared)
        found = await call(context, "docs_search", query='"rule 7"', max_results=1)
        passage = shared.sources.get("B1")
        assert passage is not None
        read = await call(context, "docs_read", id_or_path="B1")
        top = await call(context, "docs_read", id_or_path="rules & more.md")
    first, last = (int(n[1:]) for n in passage.url.partition("#")[2].split("-"))
    lines = (folder / "rules & more.md").read_text().splitlines()
    assert passage.url.startswith("docs:rules%20%26%20more.md#L")
    assert "\n".join(lines[first - 1 : last]) == passage.text
    assert passage.title == "Rules > Part 7"
    assert 'title="Rules" url=' in found.text, "the passage says itself which part it is"
    assert read.text.split("\n")[1] == "## Part 7"
    assert f'url="docs:rules%20%26%20more.md#L{first}-L{len(lines)}"' in read.text
    assert top.text.split("\n")[1] == "# Rules"
    assert {source.kind for source in shared.sources.all()} == {"document"}


@pytest.mark.parametrize(
    "path",
    ["../secret.md", "/etc/passwd", "docs:../secret.md", "docs:%2e%2e/secret.md",
     "sub/../../secret.md", "", "A9"],
)  # fmt: skip
async def test_nothing_outside_the_folder_can_be_read(
    path: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "secret.md").write_text("secret")
    async with shared_tools_of({}, monkeypatch, docs=folder) as (shared, _):
        message = await call(ToolContext("A", shared), "docs_read", id_or_path=path)
    assert message.status == "error"
    assert message.text.startswith("No such document.")
    assert str(folder) not in message.text


async def test_without_a_match_the_documents_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shared_tools_of({}, monkeypatch, docs=folder) as (shared, _):
        context = ToolContext("A", shared)
        nothing = await call(context, "docs_search", query="xyzzy")
        listing = await call(context, "docs_search", query="")
        empty = await call(context, "docs_read", id_or_path="empty.md")
    assert nothing.text == f"No passage has these words. {listing.text}"
    assert listing.text == (
        "There are 2 documents:\ndocs:empty.md  empty\ndocs:rules%20%26%20more.md  Rules"
    )
    assert empty.status == "error"


async def test_bash_runs_in_the_members_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    async with shared_tools_of({}, monkeypatch) as (shared, _):
        context = ToolContext("A", shared, machine)
        message = await call(context, "bash", command="exit 3", timeout_s=5, restart=True)
        again = await call(context, "bash", command="exit 3", timeout_s=5, restart=True)
        other = await call(context, "bash", command="exit  4", timeout_s=5, restart=True)
        page = await call(context, "web_fetch", url="A1")
        document = await call(context, "docs_read", id_or_path="A1")
        sources = shared.sources.all()
    assert machine.asked[0] == ("exit 3", 5.0, True)
    assert message.status == "success"
    shown = "42\n[exit 3 | cwd /work | 0.1s]\n[a note]\n[to cite this output: A1]"
    assert message.text == again.text == shown, "the same output keeps its id"
    assert other.text.endswith("[to cite this output: A2]")
    first, second = sources
    assert (first.kind, first.url, first.title) == ("command", "", "bash: exit 3")
    assert first.text == "$ exit 3\n42\n[exit 3]"
    assert second.same_as is None
    assert "output of a command" in page.text
    assert "output of a command" in document.text


async def test_what_no_command_has_printed_has_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ExecResult(None, "", note="the command has too many bytes; it did not run")
    async with shared_tools_of({}, monkeypatch) as (shared, _):
        message = await call(ToolContext("A", shared, Machine(result=refused)), "bash", command="x")
        assert not shared.sources.all()
    assert "to cite" not in message.text


async def test_a_broken_sandbox_is_an_error_without_host_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with shared_tools_of({}, monkeypatch) as (shared, _):
        message = await call(ToolContext("A", shared, Machine(broken=True)), "bash", command="ls")
    assert message.status == "error"
    assert message.text == "The sandbox is unavailable. Go on without it."
