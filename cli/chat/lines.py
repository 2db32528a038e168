"""Where a conversation's lines come from: an editor on a terminal, else standard input."""

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.key_binding import KeyBindings

PROMPT = "you> "
_WITH_PATHS = ("/file", "/image", "/save")


class Lines(Protocol):
    async def read(self) -> str:
        """The next line; EOFError when there is none, KeyboardInterrupt on Ctrl-C."""


class PipedLines:
    """Standard input, a line at a time; a thread that waits for one holds up no exit."""

    async def read(self) -> str:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[bytes] = loop.create_future()

        def take(line: bytes) -> None:
            if not found.done():
                found.set_result(line)

        def wait() -> None:
            line = sys.stdin.buffer.readline() if sys.stdin is not None else b""
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(take, line)

        Thread(target=wait, daemon=True).start()
        if not (line := await found):
            raise EOFError
        return line.decode("utf-8-sig", "replace")


class EditedLines:
    """An editor: Enter sends, Alt-Enter or Ctrl-J begins a new line; history and completion."""

    def __init__(
        self, commands: Mapping[str, str], history: Iterable[str], status: Callable[[int], str]
    ) -> None:
        """`commands` are completed, with what each does.

        `status` is the line below the editor, shorter than the columns it is given.
        """
        self._session = _session(commands, history, status)

    async def read(self) -> str:
        line: str = await self._session.prompt_async()
        return line


def _session(
    commands: Mapping[str, str], history: Iterable[str], status: Callable[[int], str]
) -> "PromptSession[str]":
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import get_app
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import Completer, Completion, PathCompleter
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import InMemoryHistory

    paths = PathCompleter(expanduser=True)

    class Commands(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> Iterable[Completion]:
            text = document.text_before_cursor
            command, space, path = text.partition(" ")
            if space and command in _WITH_PATHS:
                yield from paths.get_completions(Document(path), complete_event)
            for name, what in commands.items():
                if text and name.startswith(text):
                    yield Completion(name, -len(text), display_meta=what)

    session: PromptSession[str] = PromptSession(
        PROMPT,
        history=InMemoryHistory(_oldest_first(history)),
        completer=Commands(),
        complete_while_typing=True,
        auto_suggest=AutoSuggestFromHistory(),
        key_bindings=_keys(),
        multiline=True,
        prompt_continuation=lambda width, number, wrapped: "." * (width - 1) + " ",
        bottom_toolbar=lambda: status(get_app().output.get_size().columns),
    )
    return session


def _keys() -> "KeyBindings":
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def send(event: Any) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def new_line(event: Any) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _oldest_first(history: Iterable[str]) -> Sequence[str]:
    return [line for line in history if line.strip()]
