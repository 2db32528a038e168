"""Errors of a command: what is printed, and the exit code.

| code | why |
|---|---|
| 1 | the run failed, or something unexpected happened |
| 2 | bad input or settings; nothing was started |
| 130, 143 | stopped by Ctrl-C or SIGTERM |

With `--json` standard output gets `{"error": {"type", "reason", "message"}}`, and beside it
`partial` if something had been learned.
"""

import errno
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

import langgraph_fusion
from langgraph_fusion.cli.env_file import loaded_file
from langgraph_fusion.cli.output import say, write_json
from langgraph_fusion.graph.errors import ConfigError, RunFailed

FAILED, BAD_INPUT = 1, 2


def exit_code(error: Exception | signal.Signals) -> int:
    if isinstance(error, signal.Signals):
        return 128 + error
    error = _understood(error)
    return BAD_INPUT if isinstance(error, ConfigError) else FAILED


def error_json(error: Exception | signal.Signals) -> dict[str, str]:
    """`type` is one of config_error, run_failed, stopped, unexpected; `reason` narrows it down."""
    if isinstance(error, signal.Signals):
        return {"type": "stopped", "reason": error.name, "message": error_message(error)}
    error = _understood(error)
    if isinstance(error, ConfigError):
        return {"type": "config_error", "reason": "config_error", "message": str(error)}
    if isinstance(error, RunFailed):
        return {"type": "run_failed", "reason": error.reason, "message": str(error)}
    return {"type": "unexpected", "reason": type(error).__name__, "message": str(error)}


def error_message(error: Exception | signal.Signals) -> str:
    if isinstance(error, signal.Signals):
        return "stopped by Ctrl-C" if error is signal.SIGINT else f"stopped by {error.name}"
    error = _understood(error)
    if isinstance(error, (ConfigError, RunFailed)):
        return str(error)
    text = " ".join(str(error).split())
    return f"unexpected {type(error).__name__}: {text} (--verbose shows where)"


@contextmanager
def report_errors(
    *, as_json: bool = False, quiet: bool = False, verbose: bool = False
) -> Iterator[None]:
    """Turn an exception into a message (or JSON) and an exit code; no traceback unless verbose.

    What a file `.env` has set is said first, unless `quiet`.
    """
    _take_ctrl_c()
    try:
        if not quiet and (loaded := loaded_file.get()):
            for note in loaded.notes():
                say(f"fusion: {note}")
        yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        raise typer.Exit(exit_code(signal.SIGINT)) from None
    except Exception as error:  # noqa: BLE001 - the last stop before the terminal
        report(error, verbose=verbose)
        if as_json:
            write_json({"error": error_json(error)})
        raise typer.Exit(exit_code(error)) from None


def _understood(error: Exception) -> Exception:
    """The error, or what it says of the user's input: a name that no file can have."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return ConfigError(f"no file can have so long a name: {str(error.filename)[:60]}…")
    return error


def _take_ctrl_c() -> None:
    """Raise KeyboardInterrupt from now on; while the command was loaded it just ended."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def report(error: Exception | signal.Signals, *, verbose: bool) -> None:
    """Print the error on standard error."""
    if verbose and isinstance(error, Exception) and not isinstance(error, ConfigError | RunFailed):
        say("".join(traceback.format_exception(error)))
    say(f"fusion: {error_message(error)}")


def stopped_json(error: Exception | signal.Signals, partial: dict[str, Any]) -> dict[str, Any]:
    """Return what `--json` prints instead of a result."""
    return {"error": error_json(error), "partial": partial}


def missing_extra(extra: str) -> ConfigError:
    """Name the command that installs an extra here: from the checkout, or from the package."""
    root = Path(langgraph_fusion.__file__).resolve().parent.parent
    checkout = (root / "pyproject.toml").is_file() and (root / "langgraph.json").is_file()
    what = f"-e {shlex.quote(f'{root}[{extra}]')}" if checkout else f"'langgraph-fusion[{extra}]'"
    return ConfigError(
        f"the packages of `fusion {extra}` are missing. Install them with: "
        f"{shlex.quote(sys.executable)} -m pip install {what}"
    )
