"""Answer lines: every one is a question or a command, until there are no more."""

import signal

from langgraph_fusion.cli.chat.commands import run_command, split_command
from langgraph_fusion.cli.chat.lines import EditedLines, Lines
from langgraph_fusion.cli.chat.session import Session
from langgraph_fusion.cli.errors import error_json, exit_code, report
from langgraph_fusion.cli.output import say, write_json
from langgraph_fusion.graph.errors import FusionError

INTERRUPTED = exit_code(signal.SIGINT)


async def talk(session: Session, lines: Lines, first: str | None = None) -> int:
    """Answer until there are no more lines or the user leaves.

    Returns the exit code: that of the last question or command that failed, else 0. Whoever sits
    at a terminal has seen it, so there it is 0, unless the command was terminated. Ctrl-C stops the
    answer under way; of lines that nobody types it is the end of all.
    """
    edited = isinstance(lines, EditedLines)
    with session.interrupts.listening():
        if first is not None:
            await _answer(session, first)
        while not session.over and (edited or session.code != INTERRUPTED):
            try:
                line = (await lines.read()).strip()
            except EOFError:
                break
            except KeyboardInterrupt:
                say("Ctrl-D or /quit leaves.")
                continue
            if line:
                await _answer(session, line)
    return 0 if edited and not session.terminated else session.code


async def _answer(session: Session, line: str) -> None:
    """Answer one line until Ctrl-C stops that, and go on with the conversation."""
    await session.interrupts.answer(_do(session, line))
    if session.interrupts.received:
        session.code = INTERRUPTED
        report(signal.SIGINT, verbose=session.output.verbose)
        if session.output.as_json:
            write_json({"error": error_json(signal.SIGINT)}, one_line=True)


async def _do(session: Session, line: str) -> None:
    """Answer one line; what is wrong with it is said."""
    try:
        if (command := split_command(line)) is not None:
            await run_command(session, *command)
        else:
            await session.ask(line)
    except (FusionError, OSError) as error:
        session.code = exit_code(error)
        report(error, verbose=session.output.verbose)
        if session.output.as_json:
            write_json({"error": error_json(error)}, one_line=True)
