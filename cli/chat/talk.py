"""Answer lines: every one is a question or a command, until there are no more."""

from langgraph_fusion.cli.chat.commands import run_command, split_command
from langgraph_fusion.cli.chat.lines import EditedLines, Lines
from langgraph_fusion.cli.chat.session import Session
from langgraph_fusion.cli.errors import error_json, exit_code, report
from langgraph_fusion.cli.output import say, write_json
from langgraph_fusion.graph.errors import FusionError


async def talk(session: Session, lines: Lines, first: str | None = None) -> int:
    """Answer until there are no more lines or the user leaves.

    Returns the exit code: that of the last question or command that failed, else 0. Whoever sits
    at a terminal has seen it, so there it is 0, unless the command was terminated.
    """
    if first is not None:
        await _answer(session, first)
    while not session.over:
        try:
            line = (await lines.read()).strip()
        except EOFError:
            break
        except KeyboardInterrupt:
            say("Ctrl-D or /quit leaves.")
            continue
        if line:
            await _answer(session, line)
    seen = isinstance(lines, EditedLines) and not session.terminated
    return 0 if seen else session.code


async def _answer(session: Session, line: str) -> None:
    """Answer one line; what is wrong with it is said, and the conversation goes on."""
    try:
        if (command := split_command(line)) is not None:
            await run_command(session, *command)
        else:
            await session.ask(line)
    except FusionError as error:
        session.code = exit_code(error)
        report(error, verbose=session.output.verbose)
        if session.output.as_json:
            write_json({"error": error_json(error)}, one_line=True)
