"""Imports point one way: see docs/architecture.md."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "sandbox": set(),
    "models": set(),
    "tools": {"sandbox", "models"},
    "graph": {"models", "tools", "sandbox"},
    "server": {"graph", "models", "tools", "sandbox"},
    "cli": {"graph", "models", "tools", "sandbox", "server"},
}
HEAVY = (
    "langgraph", "langchain_openai", "openai", "docker", "trafilatura", "pypdf", "ddgs", "fastapi",
)  # fmt: skip


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
            if node.module == "langgraph_fusion":
                names = [f"langgraph_fusion.{alias.name}" for alias in node.names]
            yield from names
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    allowed = MAY_IMPORT[room] | {room}
    for path in (ROOT / room).rglob("*.py"):
        for name in _imported(path):
            top, _, rest = name.partition(".")
            if top == "langgraph_fusion" and rest:
                assert rest.split(".")[0] in allowed, f"{path} imports {name}"


def test_every_room_has_a_rule() -> None:
    rooms = {init.parent.name for init in ROOT.glob("*/__init__.py")}
    assert rooms - {"tests", "langgraph_fusion"} == set(MAY_IMPORT)


@pytest.mark.parametrize("module", ["cli.main", "sandbox", "models", "tools", "graph", "server"])
def test_importing_a_room_loads_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, langgraph_fusion.{module}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.strip() == "[]"
