import asyncio
import multiprocessing
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from langgraph_fusion.tools.docs_index.database import index_file
from langgraph_fusion.tools.docs_index.docs import docs_url, open_docs, split_docs_url
from langgraph_fusion.tools.docs_index.store import Store
from tests.tools.site import pdf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "tides.md").write_text("# Tides\n\nThe spring tide reaches thirteen metres.\n")
    (folder / "sub" / "über uns.txt").write_text("Crème brûlée is served at the harbour café.")
    (folder / "page.html").write_text(
        "<html><head><title>Locks</title></head><body><p>Lock gates open at high water.</p></body>"
    )
    (folder / "report.pdf").write_bytes(pdf("Dredging report", "Silt of four metres"))
    (folder / "notes.rst").write_text("Notes\n=====\n\nBuoys are painted green.\n")
    return folder


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = Store(folder)
    opened.refresh()
    yield opened
    opened.close()


def paths(store: Store, query: str) -> list[str]:
    return [match.path for match in store.search(query, 10)]


@pytest.mark.parametrize(
    ("query", "path", "title"),
    [
        ("spring tides", "tides.md", "Tides"),
        ("creme brulee", "sub/über uns.txt", "über uns.txt"),
        ("gate opening", "page.html", "Locks"),
        ("silt", "report.pdf", "report.pdf"),
        ("buoy", "notes.rst", "Notes"),
    ],
)
def test_every_kind_of_document_is_found(store: Store, query: str, path: str, title: str) -> None:
    match = store.search(query, 10)[0]
    assert (match.path, match.title) == (path, title)


def test_a_match_names_its_lines(store: Store, folder: Path) -> None:
    match = store.search("thirteen metres", 1)[0]
    lines = (folder / match.path).read_text().splitlines()
    assert "\n".join(lines[match.first_line - 1 : match.last_line]) == match.text


@pytest.mark.parametrize(
    "query",
    ['"', "'", '"unclosed', "a AND OR NOT", "NEAR(tide spring)", "title:tide", "tide*", "^tide",
     "-tide", "{title} : x", "'); DROP TABLE document; --", "tide\x00spring", "*", "()", "_",
     "__ _", "\u6f6e\u6c50", "\U0001f30a", "x " * 5000, "", "   ", "\ud800"],
)  # fmt: skip
def test_any_text_is_a_query(store: Store, query: str) -> None:
    store.search(query, 10)
    assert paths(store, "thirteen") == ["tides.md"]


def test_the_index_follows_the_folder(store: Store, folder: Path) -> None:
    (folder / "new.md").write_text("Pilots board at dawn.")
    (folder / "notes.rst").unlink()
    (folder / "tides.md").write_text("# Tides\n\nThe neap tide is weak.\n")
    store.refresh()
    assert paths(store, "pilots") == ["new.md"]
    assert paths(store, "buoys") == []
    assert paths(store, "thirteen") == []
    assert paths(store, "neap") == ["tides.md"]
    assert len(store.documents()) == 5


def test_a_touched_file_is_not_indexed_again_but_its_time_is_kept(
    store: Store, folder: Path
) -> None:
    def row() -> tuple[int, int]:
        with sqlite3.connect(index_file(folder)) as db:
            found: tuple[int, int] = db.execute(
                "SELECT mtime_ns, (SELECT min(id) FROM passage WHERE passage.path = document.path)"
                " FROM document WHERE path = 'tides.md'"
            ).fetchone()
        db.close()
        return found

    before = row()
    os.utime(folder / "tides.md", ns=(1, 1))
    store.refresh()
    assert row() == (1, before[1])


def test_the_index_is_kept_for_the_next_process(store: Store, folder: Path) -> None:
    file = index_file(folder)
    assert file.stat().st_size > 0
    assert file.parent.stat().st_mode & 0o077 == 0
    again = Store(folder)
    assert paths(again, "silt") == ["report.pdf"]
    again.close()


def _work(folder: Path, number: int) -> None:
    for turn in range(5):
        (folder / f"{number}-{turn}.md").write_text(f"Worker{number} wrote turn{turn}.")
        store = Store(folder)
        store.refresh()
        assert f"{number}-{turn}.md" in [m.path for m in store.search(f"worker{number}", 10)]
        store.close()


def test_several_processes_share_one_index(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(folder, n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    store = Store(folder)
    store.refresh()
    assert len(store.documents()) == 5 + 15
    assert len(paths(store, "turn3")) == 3
    store.close()


def test_a_damaged_index_is_made_anew(folder: Path) -> None:
    file = index_file(folder)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database " * 100)
    store = Store(folder)
    store.refresh()
    assert paths(store, "silt") == ["report.pdf"]
    store.close()
    assert file.read_bytes().startswith(b"SQLite format 3")


def test_without_a_cache_folder_the_index_is_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "tides.md"))  # a file, no folder
    store = Store(folder)
    store.refresh()
    assert paths(store, "silt") == ["report.pdf"]
    store.close()


def test_links_out_of_the_folder_and_hidden_files_are_left_out(
    folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("The secret word is xyzzy.")
    (folder / "link.md").symlink_to(outside / "secret.md")
    (folder / "links").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "self.md").symlink_to(folder / "self.md")
    (folder / "inside.md").symlink_to(folder / "tides.md")
    for hidden in (".git", ".venv", "node_modules", "venv"):
        (folder / hidden).mkdir()
        (folder / hidden / "x.md").write_text("xyzzy")
    (folder / ".hidden.md").write_text("xyzzy")
    os.mkfifo(folder / "fifo.md")
    store = Store(folder)
    store.refresh()
    assert paths(store, "xyzzy") == []
    assert sorted(paths(store, "thirteen")) == ["inside.md", "tides.md"]
    store.close()


def test_junk_is_listed_as_skipped_and_hurts_nothing(folder: Path) -> None:
    (folder / "junk.md").write_bytes(os.urandom(5000) + b"\x00" * 10)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / "empty.txt").write_text("")
    (folder / "latin.txt").write_bytes("Überfahrt nach Süden".encode("latin-1"))
    (folder / "utf16.txt").write_bytes("Überfahrt nach Norden".encode("utf-16"))
    (folder / "large.txt").touch()
    os.truncate(folder / "large.txt", 21 << 20)
    (folder / "program.exe").write_bytes(b"MZ")
    store = Store(folder)
    store.refresh()
    skipped = {d.path: d.skipped for d in store.documents() if d.skipped}
    assert skipped == {
        "junk.md": "not text",
        "broken.pdf": "This PDF is damaged.",
        "empty.txt": "empty",
        "large.txt": "larger than 20 MiB",
    }
    assert sorted(paths(store, "überfahrt")) == ["latin.txt", "utf16.txt"]
    store.close()


def test_some_hundred_documents_are_found_by_what_is_in_one_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(300):
        text = "\n\n".join(
            f"## Part {p}\n\nShip {n} sailed in {p}. " + "word " * 60 for p in range(30)
        )
        (folder / f"{n}.md").write_text(text)
    store = Store(folder)
    store.refresh()
    assert len(store.documents()) == 300
    assert store.search("ship 217 sailed", 1)[0].path == "217.md"
    store.close()


async def test_the_loop_is_free_while_the_index_works(folder: Path) -> None:
    async with open_docs(folder) as index:
        assert [m.path for m in await index.search("silt", 5)] == ["report.pdf"]
        assert await index.document("../outside.md") is None
        document = await index.document("tides.md")
    assert document is not None
    assert document.text.startswith("# Tides")


@pytest.mark.parametrize("path", ["a.md", "sub/über uns #1?.md", "100%.md", "a&b;c.md"])
def test_a_docs_url_leads_back_to_its_path(path: str) -> None:
    assert split_docs_url(docs_url(path)) == (path, 1)
    assert split_docs_url(docs_url(path, 10, 42)) == (path, 10)
    assert split_docs_url(path) == (path, 1)


CHINESE = "# 调查报告\n\n风铃草指数在2024年为七十七点四。比上一年有所上升。\n"


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        (
            CHINESE,
            ["风铃草指数", "指数", "铃草", "报告", "升", "调查", "2024", "风铃草指数是多少"],
        ),
        ("風鈴草指数は2024年に77.4でした。カイツブリの巣", ["指数", "でした", "カイツブリ", "巣"]),
        ("ดัชนีของดอกไม้ในปีนี้เพิ่มขึ้นมาก", ["ดอกไม้", "เพิ่มขึ้น"]),
        ("왜가리 서식지의 둥지는 214개였다", ["서식지", "둥지", "왜가리"]),
        ("នៅឆ្នាំនេះសន្ទស្សន៍កើនឡើង", ["សន្ទស្សន៍"]),
    ],
)
def test_scripts_without_spaces_are_found_by_a_part_of_a_sentence(
    folder: Path, text: str, queries: list[str]
) -> None:
    (folder / "report.md").write_text(text)
    (folder / "other.md").write_text("苹果公司的收入增长了。東京の天気。서울의 날씨. สวัสดี")
    store = Store(folder)
    store.refresh()
    for query in queries:
        assert (query, paths(store, query)[:1]) == (query, ["report.md"])
    assert store.search(queries[0], 1)[0].text in text
    (folder / "report.md").unlink()
    store.refresh()
    assert "report.md" not in paths(store, queries[0])
    store.close()


def test_a_literal_phrase_a_field_and_a_path_narrow_a_search(folder: Path) -> None:
    (folder / "sub" / "tide-tables.md").write_text("# Tables\n\nMetres: thirteen, spring tide.\n")
    store = Store(folder)
    store.refresh()
    assert sorted(paths(store, "spring tide thirteen")) == ["sub/tide-tables.md", "tides.md"]
    assert paths(store, '"reaches  Thirteen metres"') == ["tides.md"]
    assert paths(store, '"thirteen metres" "no such words"') == []
    assert paths(store, "title:tides thirteen") == ["tides.md"]
    assert paths(store, 'heading:"tables" metres') == ["sub/tide-tables.md"]
    assert paths(store, "path:SUB/ thirteen") == ["sub/tide-tables.md"]
    store.close()


def test_a_file_that_could_not_be_opened_is_read_once_it_can_be() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "open.md").write_text("Pilots board at dawn.")
        (folder / "closed.md").write_text("Herons nest in alders.")
        (folder / "inside").mkdir()
        (folder / "inside" / "deep.md").write_text("Silt of four metres.")
        (folder / "closed.md").chmod(0)
        (folder / "inside").chmod(0)
        store = Store(folder)
        with _nobody():
            store.refresh()
        skipped = {one.path: one.skipped for one in store.documents() if one.skipped}
        assert skipped == {
            "closed.md": "it may not be read (Permission denied)",
            "inside/": "a folder that may not be opened",
        }
        assert paths(store, "pilots") == ["open.md"]
        (folder / "closed.md").chmod(0o644)
        (folder / "inside").chmod(0o755)
        with _nobody():
            store.refresh()
        assert paths(store, "herons") == ["closed.md"]
        assert paths(store, "silt") == ["inside/deep.md"]
        assert [one.path for one in store.documents() if one.skipped] == []
        store.close()


@contextmanager
def _nobody() -> Iterator[None]:
    """Root may read everything, so it is not root that reads."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_what_is_not_read_is_listed_with_the_way_out(folder: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.zip", "c.doc", "d.exe"):
        (folder / name).write_bytes(b"\x89\x00\x01")
    (folder / "e.SVG").write_text("<svg><text>a picture of a terminal</text></svg>")
    (tmp_path / "outside.md").write_text("secret")
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    store = Store(folder)
    store.refresh()
    assert {one.path: one.skipped for one in store.documents() if one.skipped} == {
        "a.png": "no text: the format .png is not read",
        "b.zip": "an archive (.zip): unpack it to have it read",
        "c.doc": "the format .doc is not read: save it as .docx, .xlsx, .pptx or PDF",
        "d.exe": "no text: the format .exe is not read",
        "e.SVG": "no text: the format .svg is not read",
        "link.md": "a link that leads out of the folder",
    }
    store.close()


def test_an_interrupted_index_keeps_what_was_read_and_goes_on_there(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(1200):
        (folder / f"{n:04}.md").write_text(f"# Ship {n}\n\n" + f"Ship {n} sailed. " * 3)
    cancelled = Event()
    store = Store(folder, cancelled)
    store.refresh(cancelled.set)
    first = [one.path for one in store.documents()]
    assert 0 < len(first) <= 500
    assert not store.complete
    store.close()
    again = Store(folder)
    again.refresh()
    assert again.complete
    assert len(again.documents()) == 1200
    assert set(paths(again, '"ship 1199 sailed"')) == {"1199.md"}
    again.close()
    with sqlite3.connect(index_file(folder)) as db:
        oldest = db.execute("SELECT path FROM passage ORDER BY id LIMIT ?", (len(first),))
        assert {path for (path,) in oldest} <= set(first)
    db.close()


async def test_leaving_ends_the_index_that_is_being_built(tmp_path: Path) -> None:
    folder = tmp_path / "slow"
    folder.mkdir()
    for n in range(40):
        (folder / f"{n}.html").write_text(f"<title>{n}</title>" + "<p>a word" * 19_000)
    async with open_docs(folder) as index:
        asking = asyncio.create_task(index.search("word", 1))
        while index.report() is None:
            await asyncio.sleep(0.05)
        asking.cancel()
    report = index.report()
    assert report is not None
    assert not report.complete
    assert 0 < report.indexed < 40


def test_a_search_sees_one_state_while_others_write(folder: Path) -> None:
    ended, failed = Event(), list[Exception]()

    def write() -> None:
        other = Store(folder)
        for n in range(150):
            (folder / "tides.md").write_text(f"# Tides\n\nThe spring tide reaches {n} metres.\n")
            other.refresh()
        other.close()
        ended.set()

    store = Store(folder)
    store.refresh()
    writer = Thread(target=write)
    writer.start()
    while not ended.is_set():
        try:
            assert "tides.md" in paths(store, "spring tide")
        except (AssertionError, TypeError) as error:
            failed.append(error)
    writer.join()
    store.close()
    assert failed == []
