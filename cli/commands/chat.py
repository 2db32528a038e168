"""`fusion chat`: a conversation in the terminal."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langgraph_fusion.cli.input import Given
    from langgraph_fusion.cli.output import OutputOptions
    from langgraph_fusion.graph.journal.repository import RunRepository

command = typer.Typer(rich_markup_mode=None)

_Question = Annotated[
    str | None, typer.Argument(metavar="QUESTION", help="The first question; then go on.")
]
_Continue = Annotated[
    str | None,
    typer.Option("--continue", "-c", metavar="ID", help="Go on with a stored conversation."),
]
_Last = Annotated[bool, typer.Option("--last", help="Go on with the one that was changed last.")]
_List = Annotated[bool, typer.Option("--list", help="List stored conversations.")]
_Delete = Annotated[
    str | None, typer.Option("--delete", metavar="ID", help="Remove a stored conversation.")
]


@dataclass(frozen=True)
class _Named:
    """What goes with the first question."""

    files: Sequence[Path]
    images: Sequence[str]


@command.command(
    context_settings={"allow_extra_args": True},  # words of a question without quotes
    epilog=options.examples(
        "fusion chat",
        'fusion chat --docs notes/ "What did we decide about backups?"',
        'fusion chat --file report.pdf --image chart.png "Does the chart fit the report?"',
        "fusion chat --last",
        "fusion chat --continue 1f0c",
        "fusion chat --json < questions.txt | jq -r .answer",
    ),
)
def chat(
    context: typer.Context,
    question: _Question = None,
    continue_: _Continue = None,
    last: _Last = False,
    list_: _List = False,
    delete: _Delete = None,
    file: options.Files = None,
    image: options.Images = None,
    preset: options.Preset = None,
    panel: options.Panel = None,
    judge: options.Judge = None,
    writer: options.Writer = None,
    tools: options.Tools = None,
    docs: options.Docs = None,
    search: options.Search = None,
    exclude: options.Exclude = None,
    budget: options.Budget = None,
    set_: options.Assignments = None,
    as_json: Annotated[bool, typer.Option("--json", help="One result a line, as JSON.")] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Ask, and ask on: follow-up questions know the earlier answers, findings and sources.

    The first question goes to the panel. Later ones go to the writer alone, one call; `/panel
    QUESTION` asks a new panel. What either would cost is said before. /help lists the commands,
    Ctrl-C stops the run under way and keeps the conversation, Ctrl-D leaves. Without a terminal
    every line of standard input is a question or a command.

    Conversations are stored with the runs (FUSION_RUNS) for 7 days after their last turn
    (FUSION_RUNS_DAYS), with FUSION_KEEP_RUNS=1 until they are deleted. --budget is for each answer.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, quiet=quiet, verbose=verbose):
        from langgraph_fusion.cli.input import check_quotes, given_settings
        from langgraph_fusion.cli.output import OutputOptions, check_stdout, silence_libraries

        check_quotes("chat", question, context.args)
        _check_one({"--continue": continue_, "--last": last, "--list": list_, "--delete": delete})
        chosen = {
            "preset": preset, "judge": judge, "synthesizer": writer, "docs": docs,
            "search": search, "budget_usd": budget,
        }  # fmt: skip
        lists = {"panel": panel, "tools": tools, "exclude": exclude, "assignments": set_}
        given = given_settings(chosen, **lists)
        silence_libraries(verbose=verbose)
        if list_ or delete:
            asyncio.run(_stored(delete, as_json=as_json))
            return
        check_stdout(None)
        output = OutputOptions(as_json, None, quiet, verbose, json_lines=True)
        named = _Named(file or (), image or ())
        code = asyncio.run(_chat(question, given, output, continue_, named, last=last))
    raise typer.Exit(code)


def _check_one(options: Mapping[str, object]) -> None:
    """Raise ConfigError if two options are given that say which conversation it is about."""
    from langgraph_fusion.graph.errors import ConfigError

    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)}: choose one of them")


async def _chat(
    question: str | None,
    given: "Given",
    output: "OutputOptions",
    id: str | None,
    named: _Named,
    *,
    last: bool,
) -> int:
    from langgraph_fusion.cli.chat.session import Session
    from langgraph_fusion.cli.chat.talk import talk
    from langgraph_fusion.cli.choose_settings import choose_settings, notices_on
    from langgraph_fusion.cli.output import say
    from langgraph_fusion.cli.run_store import open_own_runs

    async with open_own_runs(quiet=output.quiet) as runs:
        conversation = await _conversation(runs, given, id, last=last)
        given = {**conversation.head.given, **given}
        settings, why = await choose_settings(given)
        if not output.quiet:
            for notice in notices_on(settings, why):
                say(notice)
        session = Session(settings, given, runs, output, conversation)
        for one in named.files:
            session.attach_file(str(one))
        for name in named.images:
            session.attach_image(name)
        lines = await _lines(session)
        code = await talk(session, lines, question)
        kept = session.conversation
        if kept.turns and runs and not output.quiet:
            say(f"`fusion chat --continue {kept.head.id}` goes on with it")
        return code


async def _conversation(
    runs: "RunRepository | None", given: "Given", id: str | None, *, last: bool
) -> Any:
    from langgraph_fusion.cli.chat.conversation import Conversation
    from langgraph_fusion.cli.chat.session import opened
    from langgraph_fusion.graph.errors import ConfigError
    from langgraph_fusion.graph.journal.chats import ChatHead
    from langgraph_fusion.graph.journal.repository import new_id

    if id is None and not last:
        return Conversation(ChatHead(id=new_id(), given=given), runs.chats if runs else None)
    if runs is None:
        raise ConfigError("no conversations are kept: FUSION_RUNS is `off`; set it to a file")
    if id is None:
        found = await runs.chats.all()
        if not found:
            raise ConfigError("no conversation is stored; `fusion chat` begins one")
        id = found[0].id
    return await opened(runs, id)


async def _lines(session: Any) -> Any:
    """An editor on a terminal, with earlier questions as its history; else standard input."""
    from langgraph_fusion.cli.chat.commands import COMMANDS
    from langgraph_fusion.cli.chat.lines import EditedLines, PipedLines
    from langgraph_fusion.cli.output import is_terminal

    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        return PipedLines()
    asked = [turn.question for turn in session.conversation.turns]
    earlier = [head.title for head in await session.stored()] if session.runs else []
    return EditedLines(COMMANDS, [*reversed(earlier), *asked], session.status)


async def _stored(delete: str | None, *, as_json: bool) -> None:
    from langgraph_fusion.cli.chat.commands import chat_line
    from langgraph_fusion.cli.output import say, write, write_json
    from langgraph_fusion.cli.run_store import open_stored_runs

    async with open_stored_runs() as runs:
        if delete:
            head = await runs.chats.get(delete)
            await runs.chats.delete(head.id)
            say(f"Conversation {head.id} is deleted; `fusion runs` lists the runs it was made of.")
            return
        found = await runs.chats.all()
    if as_json:
        write_json({"conversations": [head.model_dump(mode="json") for head in found]})
        return
    for head in found:
        write(chat_line(head))
    if not found:
        say("No conversation is stored. `fusion chat` begins one.")
