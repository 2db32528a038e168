"""What stands on the screen, on standard output and in files once a run is over."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langgraph_fusion.cli.display.closing import closing_line, warnings
from langgraph_fusion.cli.display.findings import as_markdown
from langgraph_fusion.cli.display.model import Board
from langgraph_fusion.cli.output import say, write

if TYPE_CHECKING:
    from rich.console import Console

Result = Mapping[str, Any]
_SOURCES = "\n\n## Sources\n\n"
"""Before the list that the check appends; on a screen it is drawn with the addresses to be seen."""


def answer_of(result: Result) -> str:
    """The answer and calls of your own tools, or in mode `analysis` what the judge found."""
    if result["mode"] == "analysis" and result["analysis"] is not None:
        return as_markdown(result["analysis"], result["follow_ups"])
    calls = [f"Calls `{one['name']}` with `{json.dumps(one['args'])}`" for one in _calls(result)]
    return "\n\n".join(part for part in (str(result["answer"]), *calls) if part)


def _calls(result: Result) -> Sequence[Mapping[str, Any]]:
    """Calls of `client_tools`: the command line cannot run them."""
    calls: Sequence[Mapping[str, Any]] = result.get("tool_calls", ())
    return calls


def print_plain(result: Result, *, quiet: bool) -> None:
    """The answer alone on standard output, the last words on standard error."""
    write(answer_of(result))
    if quiet:
        return
    say(closing_line(result))
    for warning in warnings(result):
        say(f"note: {warning}")


def print_rich(console: "Console", board: Board, result: Result, *, quiet: bool) -> None:
    """Panel, findings, answer, sources and the last line, to stay on the terminal."""
    from rich.text import Text

    from langgraph_fusion.cli.display.widgets import found, markdown, seats, sources

    cited = [one for one in result["sources"] if one["number"] is not None]
    body = answer_of(result).rpartition(_SOURCES)[0] if cited else answer_of(result)
    answer = (markdown(body), "", sources(cited)) if cited else (markdown(body),)
    if quiet:
        console.print(*answer, sep="\n")
        return
    console.print(seats(board, 0.0, console.width))
    if board.analysis is not None or board.judge_failed:
        console.print()
        console.print(found(board))
    if result["answer"]:
        console.print()
        console.rule(style="dim")
        console.print(*answer, sep="\n")
        console.rule(style="dim")
    console.print(Text(closing_line(result), style="bold"))
    for warning in warnings(result):
        console.print(Text(f"! {warning}", style="yellow"))
