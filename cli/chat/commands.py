"""What can be typed beside questions: `/help` and the others."""

import shutil
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from langgraph_fusion.cli.chat.attachments import NONE
from langgraph_fusion.cli.chat.conversation import cited_sources
from langgraph_fusion.cli.chat.session import By, Session
from langgraph_fusion.cli.output import check_file, save, say, say_line
from langgraph_fusion.graph.errors import ConfigError
from langgraph_fusion.graph.wording import count
from langgraph_fusion.models.text import one_line
from langgraph_fusion.web.findings import findings_markdown, source_numbers

if TYPE_CHECKING:
    from langgraph_fusion.graph.journal.chats import ChatHead

COMMANDS = {
    "/help": "what can be typed here",
    "/panel": "ask a new panel this question; alone: the panel answers from now on",
    "/direct": "ask the writer alone; alone: it answers from now on",
    "/file": "ask with a file, this question and later ones; `none` takes all back",
    "/image": "ask the next question with an image, a file or an address; `none` takes it back",
    "/sources": "what the last answer of a panel cites; with a number, that source",
    "/findings": "what the judge found in the last answers of a panel",
    "/cost": "what the conversation cost, and what the next answer would",
    "/save": "write the conversation to FILE.md, or everything to FILE.json",
    "/list": "conversations that are stored",
    "/open": "go on with a stored one: its id, or how that begins",
    "/new": "begin another conversation",
    "/quit": "leave; Ctrl-D does too",
}
"""Each with what it does."""

_SAVED_AS = {".md": "the conversation", ".json": "everything, as JSON"}

Command = Callable[[Session, str], Awaitable[None]]


def split_command(line: str) -> tuple[str, str] | None:
    """A command and what stands behind it; None for a question.

    A path such as `/etc/hosts is what?` is a question: a command is a known word, or a lone one.
    """
    first, _, rest = line.partition(" ")
    lone = "/" not in first[1:] and not rest and "\n" not in first
    if line.startswith("/") and (first in COMMANDS or lone):
        return first, rest.strip()
    return None


async def run_command(session: Session, name: str, rest: str) -> None:
    """Do what a command says.

    Raises:
        ConfigError: If there is no such command, or it cannot be done; nothing was changed.
    """
    if name not in COMMANDS:
        raise ConfigError(f"there is no {one_line(name)[:40]}; /help lists what there is")
    await _ACTIONS[name](session, rest)


def chat_line(head: "ChatHead") -> str:
    """`1f0c2a  2026-05-01 10:20  3 turns  How long is the bridge?`."""
    from langgraph_fusion.cli.display.stored_run import local_time

    when, turns = local_time(head.changed_at), count(head.turns, "turn")
    return f"{head.id}  {when}  {turns:>8}  {one_line(head.title)}"


async def _help(session: Session, rest: str) -> None:
    width = max(map(len, COMMANDS))
    columns = max(40, shutil.get_terminal_size().columns - 1)
    for name, what in COMMANDS.items():
        line = f"{name:<{width}}  {what}"
        say_line(textwrap.fill(line, columns, subsequent_indent=" " * (width + 2)))
    say(
        "Enter sends, Alt-Enter begins a new line, Tab completes. Ctrl-C stops the run under way "
        "and keeps the conversation."
    )


async def _panel(session: Session, rest: str) -> None:
    said = "A new panel answers from now on: {} each. /direct changes it."
    await _answer_by(session, "panel", rest, said)


async def _direct(session: Session, rest: str) -> None:
    await _answer_by(session, "direct", rest, "The writer alone answers from now on: {} each.")


async def _answer_by(session: Session, way: By, rest: str, said: str) -> None:
    """Ask this way, or all from now on."""
    if rest:
        await session.ask(rest, way)
        return
    session.answers = way
    say(said.format(session.price(way)))


async def _file(session: Session, rest: str) -> None:
    _check_named("/file", rest)
    session.attach_file(rest)


async def _image(session: Session, rest: str) -> None:
    _check_named("/image", rest)
    session.attach_image(rest)


def _check_named(command: str, rest: str) -> None:
    if not rest:
        raise ConfigError(f"name one: {command} FILE; `{command} {NONE}` takes back what was given")


async def _sources(session: Session, rest: str) -> None:
    turn = session.conversation.latest_panel
    if turn is None:
        raise ConfigError("no panel has answered yet")
    cited = cited_sources(session.with_paths(turn.result, Path.cwd()))
    chosen = [one for one in cited if str(one["number"]) == rest] if rest else cited
    if rest and not chosen:
        raise ConfigError(f"the answer cites no source {one_line(rest)[:40]}")
    for one in chosen:
        session.tell(f"[{one['number']}] {one_line(one['title'])} {one_line(one['url'])}".rstrip())
        if rest:
            session.tell(one["excerpt"])
    if not chosen:
        say("The last answer of a panel cites no source.")


async def _findings(session: Session, rest: str) -> None:
    turn = session.conversation.latest_panel
    if turn is None or turn.result["analysis"] is None:
        raise ConfigError("there is no judge's analysis yet")
    result = turn.result
    numbers = source_numbers(result["sources"])
    session.tell(findings_markdown(result["analysis"], result["follow_ups"], numbers))


async def _cost(session: Session, rest: str) -> None:
    calls = session.conversation.calls()
    paid = session.conversation.cost if calls else "$0"
    session.tell(f"{paid} for {count(len(session.conversation.turns), 'answer')}")
    session.tell(
        f"next: the writer alone {session.price('direct')}, a panel {session.price('panel')}"
    )


async def _save(session: Session, rest: str) -> None:
    if not rest:
        raise ConfigError("name a file: /save FILE.md or /save FILE.json")
    path = Path(rest).expanduser()
    check_file(path, "/save", _SAVED_AS)
    conversation = session.conversation
    turns = [turn.model_dump(mode="json") for turn in conversation.turns]
    save(
        path,
        conversation.markdown(lambda result: session.with_paths(result, path.parent)),
        {"id": conversation.head.id, "turns": turns},
        option="/save",
    )
    say(f"saved {count(len(turns), 'turn')} to {path}")


async def _list(session: Session, rest: str) -> None:
    for head in await session.stored():
        session.tell(chat_line(head))


async def _open(session: Session, rest: str) -> None:
    if not rest:
        raise ConfigError("name a conversation: /open ID; /list shows them")
    await session.open(rest)


async def _new(session: Session, rest: str) -> None:
    session.begin()
    say("A new conversation.")


async def _quit(session: Session, rest: str) -> None:
    session.over = True


_ACTIONS: dict[str, Command] = {
    "/help": _help, "/panel": _panel, "/direct": _direct, "/file": _file, "/image": _image,
    "/sources": _sources, "/findings": _findings, "/cost": _cost, "/save": _save, "/list": _list,
    "/open": _open, "/new": _new, "/quit": _quit,
}  # fmt: skip
