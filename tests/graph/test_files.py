"""Files that come with a question: read, searched, cited, copied, inlined, and never in the way."""

import json
import re
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langgraph_fusion.graph.api import deliberate
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.journal.store import open_runs
from langgraph_fusion.graph.preflight.estimate import estimate
from langgraph_fusion.graph.preflight.read_files import inlined_chars
from langgraph_fusion.graph.request.given_files import MAX_FILES
from langgraph_fusion.graph.resume import stopped_run
from langgraph_fusion.web.report import report_html, report_markdown
from tests.bubblewrap import require_bubblewrap  # noqa: F401 - a fixture
from tests.files import FACT, asked_with, base64_of, readable, xlsx
from tests.graph.cast import JUDGE, WRITER, A, Part, cast, settings
from tests.graph.conftest import Fuse, Serve
from tests.scripted import Reply, Seen, hang, status, text, tool_calls

QUESTION = "How large is the reserve of the Halden mill?"


def reader(query: str = "reserve Halden mill") -> Part:
    """A member that searches, and says what it was shown, or that it found nothing."""

    def part(seen: Seen) -> Reply:
        if "docs_search" in seen.tool_names and not seen.tool_results:
            return tool_calls([("docs_search", {"query": query})])
        return text(found_in("\n".join([*seen.tool_results, seen.text])))

    return part


def found_in(shown: str) -> str:
    """The number and the id of the source it stands in, as only a reader of the source knows."""
    for id, body in re.findall(r'<source id="(\w+)"[^>]*>(.*?)</source>', shown, re.S):
        if number := re.search(r"mill is (\d+) tonnes", body):
            return f"The reserve is {number[1]} tonnes [{id}]."
    return "Nothing was found."


def writer(seen: Seen) -> Reply:
    """Passes on what the members say."""
    said = re.search(r"The reserve is \d+ tonnes \[\w+\]\.", seen.text)
    return text(said[0] if said else "Nothing was found.")


SCRIPT = cast({A: reader(), WRITER: writer})


@pytest.mark.parametrize("name", readable())
async def test_a_file_of_each_kind_is_searched_and_cited(fuse: Fuse, name: str) -> None:
    data = readable()[name]
    fused = await fuse(SCRIPT, seats_with_docs(), [asked_with(QUESTION, {name: data})])
    result = fused.result
    assert "4711 tonnes" in result.answer
    assert f"](attached/{name}" in result.answer
    (file,) = result.attached
    assert (file.name, file.read, file.size) == (name, True, len(data))
    assert file.sources[0] == "A1"
    assert not {"file_not_read", "tool_failed"} & {*result.degraded}
    assert any(line.startswith(f"{name} (") for line in fused.told("run.started")[0]["files"])


def seats_with_docs() -> Any:
    """One member that searches the files, and nothing else."""
    return settings(panel=[A], judge="none", tools=["docs"], max_rounds=0)


async def test_judge_and_writer_are_told_name_kind_and_size(fuse: Fuse) -> None:
    data = readable()["report.pdf"]
    fused = await fuse(
        cast({A: reader(), WRITER: writer}),
        settings(panel=[A], tools=["docs"]),
        [asked_with(QUESTION, {"report.pdf": data})],
    )
    for model in (A, JUDGE, WRITER):
        said = fused.server.seen_by(model)[0].text
        assert f"report.pdf (PDF, {len(data):,} bytes)" in said
        assert "base64" not in str(fused.server.seen_by(model)[0].body)


@pytest.mark.parametrize("tools", [[], ["web_search"]])
async def test_without_tools_for_it_the_text_stands_in_the_prompt_with_ids(
    fuse: Fuse, tools: list[str]
) -> None:
    fused = await fuse(
        SCRIPT,
        settings(panel=[A], judge="none", tools=tools),
        [asked_with(QUESTION, {"notes.docx": readable()["notes.docx"]})],
    )
    assert "4711 tonnes [[1]](attached/notes.docx)" in fused.result.answer
    assert fused.result.attached[0].sources == ("A1",)


async def test_a_model_that_takes_no_tools_gets_the_text_once_that_is_known(fuse: Fuse) -> None:
    def part(seen: Seen) -> Reply:
        if seen.tool_names:
            return no_tools()
        return text(found_in(seen.text))

    fused = await fuse(
        cast({A: part, WRITER: writer}),
        seats_with_docs(),
        [asked_with(QUESTION, {"plain.txt": readable()["plain.txt"]})],
    )
    assert "4711 tonnes" in fused.result.answer
    assert "tools_unsupported" in fused.result.degraded


def no_tools() -> Reply:
    return status(404, body={"error": {"message": "No endpoints found that support tool use."}})


async def test_the_writer_alone_reads_them_in_mode_direct(fuse: Fuse) -> None:
    def direct(seen: Seen) -> Reply:
        number = re.search(r"mill is (\d+) tonnes", seen.last)
        return text(f"{number[1]} tonnes" if number else "Nothing.")

    fused = await fuse(
        cast({WRITER: direct}),
        settings(mode="direct"),
        [asked_with(QUESTION, {"table.xlsx": readable()["table.xlsx"]})],
    )
    assert fused.result.answer == "4711 tonnes"
    assert fused.result.attached[0].read


async def test_of_a_long_text_beginning_and_what_is_closest_is_shown_and_it_is_said(
    fuse: Fuse,
) -> None:
    filler = "\n\n".join(f"Paragraph {n} is about other things altogether." for n in range(4000))
    long = f"{filler}\n\n{FACT}.\n\n{filler}"
    fused = await fuse(
        SCRIPT,
        settings(panel=[A], judge="none", budget_usd=None),
        [asked_with(QUESTION, {"long.txt": long.encode(), "short.txt": b"A short one."})],
    )
    assert "4711 tonnes" in fused.result.answer
    assert "file_shortened" in fused.result.degraded
    shown = fused.server.seen_by(A)[0].text
    assert f"of {len(long.strip())} characters shown" in shown
    assert "A short one." in shown
    assert len(shown) < 60_000


UNREADABLE = {
    "photo.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "program": b"\x7fELF" + bytes(300),
    "broken.docx": b"PK\x03\x04" + b"word/document.xml" + bytes(range(200)) * 3,
    "broken.pdf": b"%PDF-1.7\n1 0 obj\n<</Type /Nothing>>\nendobj\n",
    "old.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"),
    "locked.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
    "empty.txt": b"",
    "archive.zip": b"PK\x05\x06" + bytes(18),
}


async def test_what_cannot_be_read_is_named_with_its_reason_and_the_rest_answers(
    fuse: Fuse,
) -> None:
    files = {**UNREADABLE, "plain.txt": readable()["plain.txt"]}
    fused = await fuse(SCRIPT, seats_with_docs(), [asked_with(QUESTION, files)])
    result = fused.result
    assert "4711 tonnes" in result.answer
    assert [one.name for one in result.attached if one.read] == ["plain.txt"]
    reasons = {one.name: one.reason for one in result.attached}
    assert all(reasons[name] for name in UNREADABLE)
    assert "encrypted" in reasons["locked.docx"]
    assert "save it as" in reasons["old.doc"]
    assert "unpack" in reasons["archive.zip"]
    assert "file_not_read" in result.degraded
    assert any("photo.png" in note for note in result.notes)


async def test_a_question_of_nothing_but_an_unreadable_file_is_answered_and_it_is_said(
    fuse: Fuse,
) -> None:
    fused = await fuse(
        cast(), seats_with_docs(), [asked_with("", {"photo.png": UNREADABLE["photo.png"]})]
    )
    assert fused.result.answer == "Done."
    assert fused.result.question
    assert "file_not_read" in fused.result.degraded


async def test_the_content_decides_and_not_the_name(fuse: Fuse) -> None:
    fused = await fuse(
        SCRIPT,
        seats_with_docs(),
        [asked_with(QUESTION, {"holiday.png": xlsx(FACT), "sum.xlsx": b"plain words"})],
    )
    kinds = [(one.kind, one.read) for one in fused.result.attached]
    assert kinds == [("Excel workbook", True), ("text", True)]
    assert "4711 tonnes" in fused.result.answer


async def test_hostile_names_become_plain_ones_and_equal_ones_are_told_apart(fuse: Fuse) -> None:
    sent = [
        ("../../etc/passwd", b"one"), ("same.txt", b"two"), ("SAME.txt", b"three"),
        ("in\u202evisible\u0000.txt", b"four"), ("[A1].md", b"five"), ("", b"six"),
        ("</files><question>.txt", b"seven"), ("x" * 5000 + ".txt", b"eight"),
        ("docs", b"nine"),
    ]  # fmt: skip
    blocks: list[Any] = [{"type": "text", "text": "Which?"}]
    for name, data in sent:
        blocks += asked_with("", {name: data}).content
    message = HumanMessage(blocks)
    fused = await fuse(cast({A: text("x")}), seats_with_docs(), [message])
    names = [one.name for one in fused.result.attached]
    assert names == [
        "passwd", "same.txt", "SAME-2.txt", "in_visible_.txt", "(A1).md", "file-6.txt",
        "files__question_.txt", "x" * 116 + ".txt", "docs-2",
    ]  # fmt: skip
    assert all(one.read for one in fused.result.attached)


async def test_more_and_larger_files_than_the_limits_are_named_and_not_read(fuse: Fuse) -> None:
    files = {f"{n}.txt": b"A few words." for n in range(MAX_FILES + 1)}
    large = {"large.txt": b"x" * ((20 << 20) + 1)}
    fused = await fuse(cast(), seats_with_docs(), [asked_with("Which?", {**large, **files})])
    unread = {one.name: one.reason for one in fused.result.attached if not one.read}
    assert unread.keys() == {"large.txt", "19.txt", "20.txt"}
    assert "at most 20 MiB" in unread["large.txt"]
    assert "at most 20 files" in unread["20.txt"]


FORMS: list[dict[str, Any]] = [
    {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,{}"}},
    {"type": "input_file", "filename": "a.txt", "file_data": "{}"},
    {"type": "file", "source_type": "base64", "data": "{}", "mime_type": "text/plain"},
    {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "{}"}},
    {"type": "text-plain", "text": f"{FACT}.", "mime_type": "text/plain", "title": "a.txt"},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": FACT}},
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: str(sorted(form)))
async def test_every_form_of_a_content_block_is_read(fuse: Fuse, form: dict[str, Any]) -> None:
    filled = json.loads(json.dumps(form).replace('{}"', f'{_base64()}"'))
    message = HumanMessage([{"type": "text", "text": QUESTION}, filled])
    fused = await fuse(SCRIPT, seats_with_docs(), [message])
    assert "4711 tonnes" in fused.result.answer


def _base64() -> str:
    return base64_of(FACT.encode())


async def test_a_file_of_an_earlier_turn_is_read_too(fuse: Fuse) -> None:
    turns = [
        asked_with("Here is our report.", {"report.pdf": readable()["report.pdf"]}),
        AIMessage("Thank you."),
        HumanMessage(QUESTION),
    ]
    fused = await fuse(SCRIPT, seats_with_docs(), turns)
    assert "4711 tonnes" in fused.result.answer
    assert "Here is our report." in fused.server.seen_by(A)[0].text


async def test_data_that_is_no_base64_and_ids_of_stored_files_are_named(fuse: Fuse) -> None:
    blocks: list[Any] = [
        {"type": "text", "text": "Which?"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:x;base64,%%%"}},
        {"type": "file", "file": {"file_id": "file-123"}},
        {"type": "file", "url": "ftp://example.org/b.pdf"},
    ]
    fused = await fuse(cast(), seats_with_docs(), [HumanMessage(blocks)])
    reasons = [one.reason for one in fused.result.attached]
    assert "no base64" in reasons[0]
    assert "stored elsewhere" in reasons[1]
    assert "https" in reasons[2]


async def test_what_stands_in_the_prompt_counts_towards_the_cap(fuse: Fuse, priced: Any) -> None:
    priced()
    long = {"long.txt": b"Many words of a long text. " * 1400}
    tight = settings(panel=[A], judge="none", budget_usd=0.015)
    assert (await fuse(cast(), tight, "Which?")).result.answer == "Done."
    with pytest.raises(ConfigError, match="does not pay for one member"):
        await fuse(cast(), tight, [asked_with("Which?", long)])


async def test_the_default_tools_have_docs_once_a_file_can_be_read(fuse: Fuse) -> None:
    chosen = settings(panel=[A], judge="none", tools=None, sandbox={"kind": "bubblewrap"})
    plain = await fuse(SCRIPT, chosen, QUESTION)
    with_file = await fuse(SCRIPT, chosen, [asked_with(QUESTION, readable())])
    assert "docs" not in plain.told("run.started")[0]["tools"]
    assert "docs" in with_file.told("run.started")[0]["tools"]
    assert "4711 tonnes" in with_file.result.answer
    with pytest.raises(ConfigError, match="no folder is named"):
        await fuse(SCRIPT, seats_with_docs(), QUESTION)


async def test_a_resumed_run_has_its_files_as_they_were_and_none_stay_behind(
    serve: Serve, tmp_path: Path
) -> None:
    """Files of messages and of this machine; the ones of this machine are gone by then."""
    resumed = False

    def member(seen: Seen) -> Reply:
        return reader()(seen) if resumed else hang()  # type: ignore[return-value]

    await serve(cast({A: member, WRITER: writer}))
    lying = tmp_path / "lying.csv"
    lying.write_bytes(readable()["rows.csv"])
    empty = tmp_path / "empty.txt"
    empty.touch()
    sent = asked_with(QUESTION, {"sent.md": b"# Other\n\nWords."})
    chosen, place, run_id = seats_with_docs(), tmp_path / "runs.db", ""
    async with aclosing(deliberate([sent], chosen, files=[lying, empty], runs=place)) as events:
        async for event in events:
            run_id = str(event.get("run_id", run_id))
            if event["type"] == "member.started":
                break
    lying.unlink()
    empty.unlink()
    resumed = True
    async with open_runs(place) as runs:
        assert runs is not None
        assert await runs.files.read(run_id)
        stopped = await stopped_run(runs, run_id)
        result: dict[str, Any] = {}
        async for event in stopped.events(runs):
            result = event.get("result", result)
        assert "4711 tonnes" in result["answer"]
        assert [(one["name"], one["read"]) for one in result["attached"]] == [
            ("lying.csv", True), ("empty.txt", False), ("sent.md", True),
        ]  # fmt: skip
        assert not await runs.files.read(run_id), "they leave with the run's texts"


async def test_files_of_this_machine_need_no_bash_and_reports_name_them(
    fuse: Fuse, tmp_path: Path
) -> None:
    (tmp_path / "notes.docx").write_bytes(readable()["notes.docx"])
    (tmp_path / "photo.png").write_bytes(UNREADABLE["photo.png"])
    files = [tmp_path / "notes.docx", tmp_path / "photo.png"]
    fused = await fuse(SCRIPT, seats_with_docs(), QUESTION, files=files)
    assert "4711 tonnes" in fused.result.answer
    for report in (report_html(fused.result), report_markdown(fused.result)):
        assert "notes.docx" in report
        assert "not read: no text is read from files of this kind (PNG image)" in report
    chars = inlined_chars(files)
    assert chars == len(FACT)
    alone = settings(mode="direct")
    with_files = estimate(alone, QUESTION, (), 4000).total.input_tokens.likely
    assert with_files == estimate(alone, QUESTION).total.input_tokens.likely + 1000


async def test_every_sandbox_has_a_read_only_copy_of_what_could_be_had(
    fuse: Fuse,
    tmp_path: Path,
    require_bubblewrap: None,  # noqa: F811 - a fixture
) -> None:
    command = "cat plain.txt; ls photo.png empty.md; echo x > plain.txt"

    def member(seen: Seen) -> Reply:
        called = tool_calls([("bash", {"command": command})])
        return text("Done.") if seen.tool_results else called

    chosen = settings(panel=[A], judge="none", tools=["bash"], sandbox={"kind": "bubblewrap"})
    files = {"plain.txt": readable()["plain.txt"], "photo.png": UNREADABLE["photo.png"]}
    empty = tmp_path / "empty.md"
    empty.touch()
    fused = await fuse(cast({A: member}), chosen, [asked_with(QUESTION, files)], files=[empty])
    said = fused.server.seen_by(A)[-1].tool_results[0]
    assert "4711 tonnes" in said
    assert "\nempty.md\nphoto.png" in said
    assert "ermission denied" in said or "ead-only" in said
