"""A password on the command line, which every user of the machine can read."""

import re
import sys

from langgraph_fusion.cli.output import say

_WITH_PASSWORD = re.compile(r"\w+://[^/@:]*:[^/@]+@|[?&]password=", re.ASCII)


def warn_of_password(url: str, option: str, variable: str) -> None:
    """Say so if this URL, with a password in it, was an argument of this process."""
    if _WITH_PASSWORD.search(url) and any(url in argument for argument in sys.argv):
        say(
            f"fusion: WARNING: the password in {option} can be read by every user of this machine "
            f"(`ps`). Put the URL into the variable {variable}, or the password into ~/.pgpass"
        )
