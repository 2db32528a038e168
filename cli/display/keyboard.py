r"""Read keys while a run works, and leave the terminal as it was found, whatever ends the run.

Ctrl-C, Ctrl-Z and Ctrl-\ stay what they are. A process in the background neither reads nor changes
the terminal: the kernel would stop it for that.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from langgraph_fusion.cli.display.keys import Keys

SHOW_CURSOR = "\x1b[?25h"
_ESCAPE_S = 0.05
"""An escape that nothing follows for so long is the key; terminals send sequences in one go."""
_LOOK_AGAIN_S = 0.5
_MODES = list[Any]


def has_keys() -> bool:
    """Whether standard input is a terminal whose keys can be read one by one; never on Windows."""
    return sys.platform != "win32" and sys.stdin is not None and sys.stdin.isatty()


class TerminalMode:
    """How the terminal on standard input is set, if it is one and this process has it."""

    def __init__(self) -> None:
        self._found: _MODES | None = None
        if has_keys() and in_foreground():
            import termios

            with suppress(termios.error):
                self._found = termios.tcgetattr(0)

    def read_keys(self) -> None:
        """Have each key come at once, without an echo; forget what was typed before."""
        import termios
        import tty

        with suppress(termios.error):
            tty.setcbreak(0, termios.TCSAFLUSH)

    def restore(self) -> None:
        """Set it as it was found; what was typed for the run does not reach the shell."""
        if not (has_keys() and in_foreground()):
            return
        import termios

        with suppress(termios.error):
            now = termios.tcgetattr(0)
            if now != (before := self._found or _with_lines_and_echo(now)):
                termios.tcsetattr(0, termios.TCSAFLUSH, before)


class Keyboard:
    """The keys of standard input, for the length of a `with` block inside an event loop."""

    def __init__(
        self,
        press: Callable[[str], None],
        *,
        suspend: Callable[[], None],
        go_on: Callable[[], None],
    ) -> None:
        self.reading = False
        self._press, self._suspend, self._go_on = press, suspend, go_on
        self._keys = Keys()
        self._mode: TerminalMode | None = None
        self._handled: list[signal.Signals] = []
        self._later: asyncio.TimerHandle | None = None

    def __enter__(self) -> "Keyboard":
        self._loop = asyncio.get_running_loop()
        self._take()
        self._handle(signal.SIGTSTP, self._stop)
        self._handle(signal.SIGCONT, self._take)
        self._handle(signal.SIGQUIT, self._die, signal.SIGQUIT)
        self._handle(signal.SIGHUP, self._die, signal.SIGHUP)
        return self

    def __exit__(self, *_: object) -> None:
        for number in self._handled:
            self._loop.remove_signal_handler(number)
        self._give_back()

    def _handle(self, number: signal.Signals, handler: Callable[..., None], *given: Any) -> None:
        if signal.getsignal(number) is signal.SIG_DFL:  # else the caller wants it ignored
            self._loop.add_signal_handler(number, handler, *given)
            self._handled.append(number)

    def _take(self) -> None:
        """Read keys as soon as the process is in the foreground."""
        self._forget_timer()
        self._release()
        if not in_foreground():
            self._later = self._loop.call_later(_LOOK_AGAIN_S, self._take)
            return
        self._mode = self._mode or TerminalMode()
        self._mode.read_keys()
        self._loop.add_reader(0, self._read)
        self.reading = True

    def _give_back(self) -> None:
        self._forget_timer()
        self._release()
        if self._mode is not None:
            self._mode.restore()

    def _release(self) -> None:
        if self.reading:
            self._loop.remove_reader(0)
        self.reading = False

    def _read(self) -> None:
        if not in_foreground():
            self._take()
            return
        try:
            data = os.read(0, 4096)
        except OSError:
            data = b""
        if not data:  # the terminal is gone
            self._release()
            return
        self._forget_timer()
        for key in self._keys.feed(data):
            self._press(key)
        if self._keys.waits:
            self._later = self._loop.call_later(_ESCAPE_S, self._flush)

    def _flush(self) -> None:
        for key in self._keys.flush():
            self._press(key)

    def _forget_timer(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _stop(self) -> None:
        """Ctrl-Z: stop as any program does, with the terminal as the shell wants it."""
        self._give_back()
        self._suspend()
        self._loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        self._loop.add_signal_handler(signal.SIGTSTP, self._stop)  # it has been continued
        self._go_on()
        self._take()

    def _die(self, number: signal.Signals) -> None:
        self._give_back()
        show_cursor()
        self._loop.remove_signal_handler(number)
        os.kill(os.getpid(), number)


def _with_lines_and_echo(mode: _MODES) -> _MODES:
    import termios

    return [*mode[:3], mode[3] | termios.ICANON | termios.ECHO, *mode[4:]]


def in_foreground() -> bool:
    """Whether the terminal on standard input may be read and set by this process."""
    if sys.platform == "win32":
        return True
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # it controls no session: anybody may
        return True


def show_cursor() -> None:
    """Undo what the live view did to the cursor, without its objects."""
    if os.isatty(1):
        with suppress(OSError):
            os.write(1, f"{SHOW_CURSOR}\n".encode())
