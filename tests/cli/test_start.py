"""What `fusion ask` has loaded when it sends its first request, and what it never loads."""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests.cli.processes import FUSION, ROOT, environment, in_terminal, run
from tests.scripted import Reply, Seen, scripted_server, structured, text

SEATS = ("--panel", "m/a,m/b", "--judge", "j/j", "--writer", "w/w", "--tools", "web_search")
WATCHED = """
import atexit, gc, json, sys
loaded, place = {"collections": 0}, sys.argv.pop()

def watch(event, arguments):
    if event == "socket.connect" and "first" not in loaded:
        loaded["first"] = sorted(sys.modules)

def count(phase, info):
    loaded["collections"] += phase == "start"

def report():
    with open(place, "w") as file:
        json.dump(loaded | {"last": sorted(sys.modules)}, file)

sys.addaudithook(watch)
atexit.register(report)
from langgraph_fusion.cli.main import main
gc.callbacks.append(count)
main()
"""
NEVER = [
    "langchain_community", "langchain_classic", "langchain_mcp_adapters", "prompt_toolkit",
    "openai.resources.beta", "openai.resources.images", "openai.resources.audio",
    "numpy", "sqlite_vec", "aiosqlite", "langgraph.store.sqlite", "psycopg",
    "docker", "ddgs", "trafilatura", "pypdf", "lxml", "fastapi", "uvicorn", "jinja2", "mcp",
    "langchain_core.tracers.langchain_v1", "langsmith.wrappers",
    "langgraph_fusion.models.offline.chat", "langgraph_fusion.sandbox.pool",
]  # fmt: skip
LATER = [
    "langgraph_fusion.graph.judging.judge", "langgraph_fusion.graph.writing.synthesizer",
    "langgraph_fusion.graph.writing.check", "langgraph_fusion.graph.result",
    "langgraph_fusion.graph.analysis",
    "langgraph_fusion.cli.display.result",
]  # fmt: skip


@dataclass
class Loaded:
    """Modules that were there when the first connection was made, and at the end."""

    first: set[str]
    last: set[str]
    collections: int
    """How often garbage was looked for."""


@pytest.fixture(scope="module")
async def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    def script(seen: Seen) -> Reply:
        return structured({"best_answer": "A"}) if seen.model == "j/j" else text("It is 42.")

    folder = tmp_path_factory.mktemp("start")
    async with scripted_server(script) as server:
        env = environment(
            {
                "OPENROUTER_BASE_URL": server.base_url,
                "OPENROUTER_API_KEY": "sk-none",
                "FUSION_RUNS": str(folder / "runs.db"),
            }
        )
        words = ("ask", *SEATS, "What is it?", str(folder / "loaded.json"))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WATCHED, *words, cwd=ROOT, env=env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        answer, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert "It is 42." in answer.decode()
    found = json.loads((folder / "loaded.json").read_text())
    return Loaded(set(found["first"]), set(found["last"]), found["collections"])


@pytest.mark.parametrize("name", NEVER)
def test_what_a_plain_run_does_not_need_is_not_loaded(name: str, loaded: Loaded) -> None:
    assert name not in loaded.last


@pytest.mark.parametrize("name", LATER)
def test_what_comes_after_the_members_is_loaded_after_their_requests(
    name: str, loaded: Loaded
) -> None:
    assert name not in loaded.first
    assert name in loaded.last


def test_no_garbage_is_looked_for_while_everything_is_loaded(loaded: Loaded) -> None:
    assert loaded.collections == 0


def test_what_is_loaded_is_left_out_of_the_first_collection_and_later_ones_are_frequent() -> None:
    code = (
        "import gc; from langgraph_fusion.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "gc.unfreeze(); before = gc.get_threshold(); gc.collect()\n"
        "print(*before, *gc.get_threshold(), gc.get_freeze_count() > 1000)"
    )
    words = [sys.executable, "-c", code, "--version"]
    ran = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.splitlines()[-1] == "1000000 10 10 50000 10 10 True"


def test_a_server_is_ready_without_what_only_some_requests_need() -> None:
    code = (
        "import asyncio, sys; from langgraph_fusion.server.app import create_app\n"
        "async def serve():\n"
        "    app = create_app()\n"
        "    async with app.router.lifespan_context(app): pass\n"
        "asyncio.run(serve()); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    needless = {"mcp", "docker", "numpy", "sqlite_vec", "prompt_toolkit", "psycopg", "dbos"}
    assert needless & set(ran.stdout.split()) == set()


def test_the_first_word_is_on_the_terminal_before_anything_is_loaded() -> None:
    code = "import sys, langgraph_fusion.cli.main; print(len(sys.modules), 'typer' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    count, typer = ran.stdout.split()
    assert (int(count) < 120, typer) == (True, "False")
    with in_terminal(*FUSION, "ask", "-p", "nope", "What is it?") as terminal:
        assert terminal.wait() == 2
    assert terminal.text.startswith("fusion: starting …\r")
    erased = terminal.text.removeprefix("fusion: starting …\r").lstrip(" ")
    assert erased.startswith("\rfusion: preset: there is no 'nope'")


@pytest.mark.parametrize("words", [("--version",), ("ask", "-q", "-p", "nope", "x"), ("presets",)])
def test_who_loads_no_deliberation_or_is_quiet_shows_no_first_word(words: tuple[str, ...]) -> None:
    with in_terminal(*FUSION, *words) as terminal:
        terminal.wait()
    assert "starting" not in terminal.text


def test_an_option_that_is_none_is_explained_over_the_first_word() -> None:
    with in_terminal(*FUSION, "ask", "--nope") as terminal:
        assert terminal.wait() == 2
    assert terminal.text.startswith("fusion: starting …\rUsage: fusion ask")


def test_ctrl_c_while_a_command_is_loaded_shows_no_traceback() -> None:
    code = (
        "import os, signal, sys; from langgraph_fusion.cli.main import main\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt()); main()"
    )
    words = [sys.executable, "-c", code, "chat"]
    ran = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert (ran.returncode, ran.stdout, ran.stderr) == (-2, "", "")


def test_a_conversation_without_quotes_or_with_two_beginnings_is_refused() -> None:
    for words, says in (
        (("what", "is", "it"), 'put it in quotes: fusion chat "what is it"'),
        (("--last", "--continue", "c0f"), "--continue and --last: choose one"),
        (("--list", "--delete", "c0f"), "--list and --delete: choose one"),
    ):
        ran = run(*FUSION, "chat", *words)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert says in ran.stderr


def test_a_name_that_no_file_can_have_is_named_and_ends_no_conversation() -> None:
    long = "a" * 5000
    for option in ("--file", "--docs", "--out"):
        ran = run(*FUSION, "ask", "-p", "offline", option, long, "Who?")
        assert (ran.returncode, ran.stdout) == (2, ""), option
        assert "no file can have so long a name: " in ran.stderr
    lines = f"/file {long}\n/save {long}.md\n/file a\0b\n/cost\n"
    ran = run(*FUSION, "chat", "-p", "offline", "-q", stdin=lines)
    assert ran.returncode == 2
    assert ran.stderr.count("no file can have so long a name: ") == 2
    assert "$0 for 0 answers" in ran.stdout
