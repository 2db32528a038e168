"""The `fusion` command: what is to be done before anything else, and after everything else."""

import gc
import os
import signal
import sys
from collections.abc import Mapping

from langgraph_fusion.cli import first_sign

_LOADED = 1_000_000
"""Objects that loading a server leaves behind at most."""
_COLLECTED_AFTER = 50_000, 10, 10
"""Objects, and rounds, once everything is loaded."""


def main() -> None:
    """Run the command line; this is the console script."""
    _occupy_closed_streams()
    _die_quietly_while_loading()
    _leave_loading_alone()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal that is not UTF-8 still gets an answer
    first_sign.show(sys.argv[1:])
    from langgraph_fusion.cli.app import app

    try:
        app(prog_name="fusion")
    finally:
        first_sign.clear()
        gc.freeze()  # what is left goes with the process: nobody needs it sorted before


def _die_quietly_while_loading() -> None:
    """Let Ctrl-C end the process without a traceback, until a command takes it for itself."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _leave_loading_alone() -> None:
    """Look for no garbage among what is being loaded: that would be a tenth of a start.

    The first collection finds everything loaded, leaves it out, and returns to short rounds.
    """

    def loaded(phase: str, info: Mapping[str, int]) -> None:
        gc.callbacks.remove(loaded)
        gc.set_threshold(*_COLLECTED_AFTER)
        gc.freeze()

    gc.set_threshold(_LOADED, *_COLLECTED_AFTER[1:])
    gc.callbacks.append(loaded)


def _occupy_closed_streams() -> None:
    """Keep what is opened later, a database for example, from becoming a standard stream."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
