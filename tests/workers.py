"""How parallel test runs are shared out: whole files, all that need the engine to one worker."""

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

_ROOT = Path(__file__).parents[1]


class WholeFiles(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A module's fixtures are set up once; tests never meet another test's load on the engine."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "the engine" if _needs_engine(file) else file


@cache
def _needs_engine(file: str) -> bool:
    return "mark.docker" in (_ROOT / file).read_text(encoding="utf-8")
