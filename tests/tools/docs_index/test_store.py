import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from langgraph_fusion.tools.docs_index.docs import docs_url, open_docs, split_docs_url
from langgraph_fusion.tools.docs_index.store import Store, index_file, match_expression
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


def test_operators_mean_nothing() -> None:
    assert match_expression('NOT title:tide* "x_y"') == ('"NOT" OR "title" OR "tide" OR "x" OR "y"')


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
        "broken.pdf": "This PDF is damaged or locked.",
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
