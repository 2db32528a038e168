"""Imports point one way, between rooms and inside them: see docs/architecture.md."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "sandbox": set(),
    "models": set(),
    "tools": {"sandbox", "models"},
    "graph": {"models", "tools", "sandbox"},
    "web": {"graph", "models", "tools"},
    "server": {"graph", "models", "tools", "sandbox", "web"},
    "evals": {"graph", "models", "tools", "sandbox", "web"},
    "cli": {"graph", "models", "tools", "sandbox", "server", "web", "evals"},
}
GRAPH_FOLDERS = (
    "request", "prompts", "calls", "journal", "images", "members", "judging", "writing",
    "verification", "preflight",
)  # fmt: skip
"""A folder imports only folders before it."""
ASSEMBLY = (
    "api", "build", "fusion_graph", "fusion_tool", "later_nodes", "resume", "studio",
)  # fmt: skip
"""Files at the root of `graph` that put the folders together: no folder imports one."""
HEAVY = (
    "langgraph", "langchain_openai", "openai", "docker", "trafilatura", "pypdf", "ddgs", "fastapi",
    "inspect_ai", "rubric", "matplotlib", "scipy", "statsmodels",
)  # fmt: skip

Edges = Mapping[str, set[str]]


def _imported(path: Path) -> Iterator[str]:
    """The full name of everything a file imports, now, late or for its types."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def _modules() -> dict[str, Path]:
    """Every module of ours, named from its room: `graph.calls.retry`."""
    found = {}
    for room in MAY_IMPORT:
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def _edges() -> dict[str, set[str]]:
    """Which of our modules imports which."""
    modules = _modules()
    edges = {}
    for name, path in modules.items():
        ours = {one.removeprefix("langgraph_fusion.") for one in _imported(path)}
        found = ours & modules.keys()
        packages = {one for one in found if any(other.startswith(f"{one}.") for other in found)}
        edges[name] = found - packages - {name}
    return edges


def _circles(edges: Edges) -> list[set[str]]:
    """The strongly connected components of more than one node, by Tarjan's algorithm."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            cut = stack.index(node)
            found.append(set(stack[cut:]))
            del stack[cut:]

    for node in sorted(edges):
        if node not in order:
            visit(node)
    return [one for one in found if len(one) > 1]


def _unit(module: str) -> str:
    """A folder of a room as one, a file at the room's root by itself."""
    path = PurePath(*_modules()[module].relative_to(ROOT).parts[:2])
    return ".".join(path.with_suffix("").parts)


def _units(room: str) -> dict[str, set[str]]:
    units: dict[str, set[str]] = {}
    for module, imported in _edges().items():
        if module.split(".")[0] == room:
            inside = {_unit(one) for one in imported if one.split(".")[0] == room}
            units.setdefault(_unit(module), set()).update(inside - {_unit(module)})
    return units


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


def test_no_files_import_each_other_in_a_circle() -> None:
    assert _circles(_edges()) == []


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_the_folders_inside_a_room_import_each_other_one_way(room: str) -> None:
    assert _circles(_units(room)) == []


def test_the_folders_of_the_graph_stand_in_their_order() -> None:
    units = _units("graph")
    for place, folder in enumerate(GRAPH_FOLDERS):
        later = {f"graph.{one}" for one in (*GRAPH_FOLDERS[place + 1 :], *ASSEMBLY)}
        assert units[f"graph.{folder}"] & later == set()
    folders = {path.parent.name for path in (ROOT / "graph").glob("*/__init__.py")}
    assert folders == set(GRAPH_FOLDERS)


def test_circles_are_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert sorted(map(sorted, _circles(edges))) == [["a", "b", "c"], ["d", "e"]]
    assert _circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize(
    "module", ["cli.main", "cli.app", "sandbox", "models", "tools", "graph", "server", "evals"]
)
def test_importing_a_room_loads_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, langgraph_fusion.{module}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.strip() == "[]"
