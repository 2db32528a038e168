import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
_DATA_ONLY = {"docs"}
"""Shipped folders without code: no `__init__.py`."""


def test_every_package_is_shipped_and_linked() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {init.parent for init in ROOT.glob("*/__init__.py")} - {ROOT / "tests"}
    folders -= {ROOT / "langgraph_fusion"}
    packages = {init.parent for folder in folders for init in folder.rglob("__init__.py")}
    names = {".".join(("langgraph_fusion", *path.relative_to(ROOT).parts)) for path in packages}
    names |= {f"langgraph_fusion.{name}" for name in _DATA_ONLY}
    assert set(setuptools["packages"]) == names | {"langgraph_fusion"}
    shipped = {f.name for f in folders} | {"langgraph_fusion"} | _DATA_ONLY
    assert set(setuptools["package-dir"].values()) == shipped
    linked = {link.name for link in (ROOT / ".links/langgraph_fusion").iterdir() if link.is_dir()}
    assert linked == {folder.name for folder in folders}
