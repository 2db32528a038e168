"""The wheel holds every module and data file of the rooms, under `langgraph_fusion.`."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {init.parent.name for init in ROOT.glob("*/__init__.py")} - {"tests", "langgraph_fusion"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in _tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    built = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), "."]
    subprocess.run(built, cwd=source, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def _tracked() -> list[str]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    ran = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in ran.stdout.splitlines() if (ROOT / name).is_file()]


def test_the_wheel_holds_every_tracked_module(wheel: Path) -> None:
    kinds = (".py", ".md", ".toml", ".j2", ".css", ".js")
    ours = [Path(name) for name in _tracked() if name.endswith(kinds)]
    built_from = ROOT / "web" / "assets"  # what static/page.js is built from
    ours = [path for path in ours if not (ROOT / path).is_relative_to(built_from)]
    expected = {
        f"langgraph_fusion/{path}"
        for path in ours
        if path.parts[0] in ROOMS and path.parts[:2] != ("web", "assets")
    }
    assert len(expected) > 200
    assert expected <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_adds_no_other_name_to_the_environment(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"langgraph_fusion"}


def test_a_type_checker_finds_the_package_of_an_editable_install(tmp_path: Path) -> None:
    source, venv = tmp_path / "source", tmp_path / "venv"
    for name in _tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    code = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=source, check=True, capture_output=True
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next(venv.glob("lib/*/site-packages"))
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(site)
    (tmp_path / "app.py").write_text("from langgraph_fusion import ask\nreveal_type(ask)\n")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", str(venv / "bin/python"), "app.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "langgraph_fusion.graph.result.FusionResult" in checked.stdout, checked.stdout
