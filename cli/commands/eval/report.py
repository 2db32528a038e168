"""`fusion eval report`: a stored result as tables, JSON or one HTML page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from langgraph_fusion.cli import options
from langgraph_fusion.cli.commands.eval import check_extra
from langgraph_fusion.cli.commands.eval.run import Data

if TYPE_CHECKING:
    from langgraph_fusion.evals.report.analysis import Analysed

command = typer.Typer(rich_markup_mode=None)
Format = Literal["text", "html", "json"]
_SUFFIXES: dict[str, Format] = {".html": "html", ".htm": "html", ".json": "json"}


@command.command(
    epilog=options.examples(
        "fusion eval report result.json",
        "fusion eval report result.json -o report.html",
        "fusion eval report result.json --no-rubric -o published.html",
        "fusion eval report result.json --format json | jq .summary.comparisons",
    )
)
def report(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT", help="A file that `fusion eval run` wrote.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write here, not to standard output."),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", help="By default as the file is named, else text.", show_default=False
        ),
    ] = None,
    data: Data = None,
    rubric: Annotated[
        bool,
        typer.Option("--rubric/--no-rubric", help="Quote criteria; without, it can be published."),
    ] = True,
    verbose: options.Verbose = False,
) -> None:
    """Show what a result says: intervals, paired differences, cost, and where facts were lost.

    The loss analysis follows every criterion that a member met and the final answer did not. It
    needs the data set (cached, or --data) and the store of the evaluation that made the result.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=form == "json", verbose=verbose):
        check_extra()
        suffix = output.suffix.lower() if output else ""
        _write(_analysed(result, data), form or _SUFFIXES.get(suffix, "text"), output, rubric)


def _analysed(path: Path, data: Path | None) -> "Analysed":
    from langgraph_fusion.cli.commands.eval.work import read_result
    from langgraph_fusion.cli.output import say
    from langgraph_fusion.evals.report.analysis import analyse
    from langgraph_fusion.evals.report.stored import stored_traces, tasks_of

    result = read_result(path)
    tasks = tasks_of(result, data)
    if not tasks:
        say("note: without the data set (--data FILE) nothing can be said about what was lost.")
    with stored_traces() as trace_of:
        return analyse(result, tasks, trace_of)


def _write(found: "Analysed", form: Format, output: Path | None, rubric: bool) -> None:
    from langgraph_fusion.cli.output import say, write, write_file

    shown = found if rubric else found.without_rubric()
    if form == "text" and output is None:
        from langgraph_fusion.cli.display.eval_findings import print_analysed

        print_analysed(shown)
        return
    text = _text_of(shown, form)
    if output is None:
        write(text)
        return
    write_file("--output", output, text)
    say(f"written to {output}")


def _text_of(found: "Analysed", form: Format) -> str:
    if form == "html":
        from langgraph_fusion.evals.report.page import report_page

        return report_page(found)
    if form == "json":
        from langgraph_fusion.cli.output import to_json

        return to_json(found.model_dump(mode="json"), indent=1)
    from langgraph_fusion.cli.display.eval_findings import print_analysed
    from langgraph_fusion.cli.output import captured

    return captured(lambda: print_analysed(found))
