"""Map the top-level folders to subpackages: `graph/` is installed as `langgraph_fusion.graph`."""

from setuptools import find_packages, setup

ROOMS = ("graph", "models", "tools", "sandbox", "server", "cli")
FOUND = find_packages(include=[name for room in ROOMS for name in (room, f"{room}.*")])

setup(
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
