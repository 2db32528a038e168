"""The wheel, installed beside an application that has `graph` and `tools` packages of its own."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOST = """
import asyncio, json
from dataclasses import dataclass
from typing import Annotated

import graph, tools  # the application's own packages
from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from langgraph_fusion import FusionResult, create_fusion, fusion_tool, load_settings


@dataclass
class HostContext:
    user: str


class HostState(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]
    question: str
    seen_by: str


async def greet(state: HostState, runtime: Runtime[HostContext]) -> dict:
    return {"seen_by": runtime.context.user, "question": "the host's own"}


async def main() -> None:
    host = StateGraph(HostState, context_schema=HostContext)
    host.add_node("greet", greet)
    host.add_node("fusion", create_fusion(load_settings({"preset": "offline", "tools": ["docs"]})))
    host.add_edge(START, "greet")
    host.add_edge("greet", "fusion")
    host.add_edge("fusion", END)
    app = host.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    outs = []
    for question in ("What is the judge?", "What is a follow-up round?"):
        out = await app.ainvoke(
            {"messages": [HumanMessage(question)]}, config, context=HostContext("ada")
        )
        outs.append(out)
    spaces = set()
    async for space, _ in app.astream(
        {"messages": [HumanMessage("What is a seat?")]}, config, context=HostContext("ada"),
        stream_mode="updates", subgraphs=True,
    ):
        spaces.add(space[0].split(":")[0] if space else "")
    tool = fusion_tool(load_settings({"preset": "offline", "tools": ["docs"]}), name="panel")
    asked = {"question": "What is a round?"}
    call = {"name": "panel", "args": asked, "id": "1", "type": "tool_call"}
    told = await tool.ainvoke(call)
    last = outs[-1]
    print(json.dumps({
        "graph": graph.NAME, "tools": tools.NAME, "seen_by": last["seen_by"],
        "question": last["question"], "turns": [m.type for m in last["messages"]],
        "text": last["messages"][-1].content,
        "asked": [o["messages"][-1].response_metadata["fusion"]["question"] for o in outs],
        "spaces": sorted(spaces),
        "tool": FusionResult.model_validate(told.artifact).question,
    }))


asyncio.run(main())
"""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that no build folder is left behind."""
    copy = tmp_path_factory.mktemp("source") / "project"
    ignored = shutil.ignore_patterns(".venv", ".git", "*.egg-info", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, copy, ignore=ignored, symlinks=True)
    out = copy / "dist"
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run(build, cwd=copy, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"langgraph_fusion"}


@pytest.mark.timeout(300)
def test_the_wheel_runs_as_a_subgraph_of_an_application_with_the_same_folders(
    wheel: Path, tmp_path: Path
) -> None:
    python = _clean_environment(tmp_path / "env", wheel)
    host = tmp_path / "host"
    for name in ("graph", "tools"):
        (host / name).mkdir(parents=True)
        (host / name / "__init__.py").write_text(f"NAME = 'the host {name}'\n")
    (host / "main.py").write_text(HOST)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    ran = subprocess.run(
        [python, "main.py"], cwd=host, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    assert (said["graph"], said["tools"]) == ("the host graph", "the host tools")
    assert said["seen_by"] == "ada"
    assert said["question"] == "the host's own", "the subgraph keeps its channels to itself"
    assert said["turns"] == ["human", "ai", "human", "ai"]
    assert said["asked"] == ["What is the judge?", "What is a follow-up round?"]
    assert "](" in said["text"], "the answer cites sources"
    assert "fusion" in said["spaces"]
    assert said["tool"] == "What is a round?"
    assert "Deserializing unregistered type" not in ran.stderr


def _clean_environment(path: Path, wheel: Path) -> Path:
    """An environment with the wheel and, by a path file, the dependencies of this one.

    Installing 100 packages again would test the package index, not the wheel.
    """
    venv.create(path, with_pip=True)
    python = path / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    site = next((path / "lib").glob("python*/site-packages"))
    ours = next(Path(entry) for entry in sys.path if (Path(entry) / "langgraph").is_dir())
    (site / "dependencies.pth").write_text(f"{_without_this_project(ours, path)}\n")
    return python


def _without_this_project(site: Path, scratch: Path) -> Path:
    """Links to every installed package but the editable install of this checkout."""
    links = scratch / "dependencies"
    links.mkdir()
    for entry in site.iterdir():
        if "langgraph_fusion" not in entry.name and entry.suffix != ".pth":
            (links / entry.name).symlink_to(entry)
    return links
