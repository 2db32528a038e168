"""Files that are made to be too much, read by real child processes."""

import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from langgraph_fusion.tools.errors import ToolFailure
from langgraph_fusion.tools.extract.html import html_words
from langgraph_fusion.tools.extract.processes import Cancelled, extract

HOSTILE = {
    "paragraphs": b"<p>a" * 262_144,
    "nested": b"<div>" * 200_000,
    "bold": b"<b>x" * 200_000,
    "tables": b"<table><tr><td>" * 50_000,
    "attributes": b"<a " + b"x=1 " * 200_000,
    "entities": b"&amp" * 200_000,
    "tags that never end": b"<" * 500_000,
    "lists": b"<ul><li>" * 100_000,
    "comments": b"<!--" * 200_000,
    "forms": b"<form><select><option>" * 50_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_page_that_is_made_to_be_slow_ends(name: str) -> None:
    with suppress(ToolFailure):
        extract("html", HOSTILE[name], timeout_s=20)
    assert extract("html", b"<p>Still here.", timeout_s=20).text == "Still here."


def test_a_page_of_too_many_elements_keeps_its_words() -> None:
    rows = "".join(f"<tr><td>Port {n}</td><td>{n} m</td></tr>" for n in range(10_000))
    page = f"<title>Ports</title><script>no()</script><table>{rows}</table>"
    found = extract("html", page.encode(), timeout_s=20)
    assert found.title == "Ports"
    assert "Port 9999 9999 m" in found.text
    assert "no()" not in found.text


def test_a_reader_that_takes_too_long_is_ended_and_the_next_one_works() -> None:
    with pytest.raises(ToolFailure) as failed:
        extract("html", b"<p>a" * 19_000, timeout_s=0.2)
    assert failed.value.reason == "timeout"
    assert extract("html_words", b"<p>Next.", timeout_s=20).text == "Next."


def test_a_reader_ends_when_nobody_wants_the_text_any_more() -> None:
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()
    with pytest.raises(Cancelled):
        extract("html", b"<p>a" * 19_900, timeout_s=100, cancelled=cancelled)


def test_several_threads_read_at_once() -> None:
    found: list[str] = []

    def read(n: int) -> None:
        found.append(extract("html_words", f"<p>{n}".encode(), timeout_s=60).text)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=int) == [str(n) for n in range(20)]


def test_no_reader_outlives_the_process_that_started_it() -> None:
    code = (
        "import os, langgraph_fusion.tools.extract.processes as p\n"
        "p.extract('html_words', b'<p>x', timeout_s=60)\n"
        "print(p._pool._idle[0].pid, flush=True)\n"
        "os._exit(0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    wait = f"while kill -0 {int(ran.stdout)} 2>/dev/null; do sleep 0.1; done"
    subprocess.run(["bash", "-c", wait], check=True, timeout=60)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One<p>Two", "One\n\nTwo"),
        ("plain words", "plain words"),
        ("<td>a</td><td>b", "a b"),
        ("", ""),
        ("<style>x</style>y", "y"),
        ("<?xml version='1.0'?><html><body>x</body></html>", "x"),
    ],
)
def test_the_words_of_a_page(html: str, text: str) -> None:
    assert html_words(html).text == text


_FORKED = """
import os
from langgraph_fusion.tools.extract.processes import extract
{before}
child = os.fork()
if not child:
    text = extract("html", b"<p>Read by a fork.", timeout_s=20).text
    os._exit(text != "Read by a fork.")
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("before", ["", 'extract("html", b"<p>Its parent.", timeout_s=20)'])
def test_the_first_file_that_a_forked_process_reads_is_read(before: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _FORKED.format(before=before)], capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
