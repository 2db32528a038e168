"""Map the top-level folders to subpackages: `graph/` is installed as `langgraph_fusion.graph`.

An editable install puts `.links/` on the path, a tree of links to the folders under the package's
name: type checkers follow it, where they cannot follow the import hook that setuptools would write.
"""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.editable_wheel import _StaticPth, editable_wheel

ROOMS = ("graph", "models", "tools", "sandbox", "web", "server", "evals", "cli")
FOUND = find_packages(include=[name for room in ROOMS for name in (room, f"{room}.*")])


class LinkedEditableWheel(editable_wheel):
    def _select_strategy(self, name, tag, build_lib):
        links = Path(__file__).parent.resolve() / ".links"
        try:
            make_links(links / "langgraph_fusion")
        except OSError:  # Windows without the right to make links
            return super()._select_strategy(name, tag, build_lib)
        return _StaticPth(self.distribution, name, [links])


def make_links(package: Path) -> None:
    """Link every room, and the files of the package itself, under the package's name."""
    package.mkdir(parents=True, exist_ok=True)
    targets = {room: f"../../{room}" for room in (*ROOMS, "docs")}
    for file in ("__init__.py", "py.typed"):
        targets[file] = f"../../langgraph_fusion/{file}"
    for name, target in targets.items():
        link = package / name
        if not link.is_symlink():
            link.symlink_to(target)


setup(
    cmdclass={"editable_wheel": LinkedEditableWheel},
    packages=[
        "langgraph_fusion",
        "langgraph_fusion.docs",
        *(f"langgraph_fusion.{name}" for name in FOUND),
    ],
    package_dir={
        "langgraph_fusion": "langgraph_fusion",
        "langgraph_fusion.docs": "docs",
        **{f"langgraph_fusion.{room}": room for room in ROOMS},
    },
)
