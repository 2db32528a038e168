"""Where evaluations keep what they have paid for, and the data sets they have fetched."""

import os
from pathlib import Path

VARIABLE = "FUSION_EVALS"


def evals_folder() -> Path:
    """`$FUSION_EVALS`, else `langgraph-fusion/evals` in the user's data folder."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "langgraph-fusion" / "evals"
