"""`fusion eval compare`: two stored results."""

from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli import options
from langgraph_fusion.cli.commands.eval import check_extra

command = typer.Typer(rich_markup_mode=None)


@command.command(
    epilog=options.examples(
        "fusion eval compare before.json after.json",
        "fusion eval compare gemini.json sonnet.json --json | jq .calibrations",
    )
)
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A file of `fusion eval run`.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Compare two results, A minus B, on the tasks that both scored.

    Arms of the same name are compared; where no name is common, every arm with every other. Where
    both graded the same texts, their judges are compared as well.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, verbose=verbose):
        check_extra()
        from langgraph_fusion.cli.commands.eval.work import read_result
        from langgraph_fusion.cli.display.eval_findings import print_comparison
        from langgraph_fusion.cli.output import write_json
        from langgraph_fusion.evals.report.comparison import compare_results

        found = compare_results(read_result(first), read_result(second))
        if as_json:
            write_json(found.model_dump(mode="json"))
        else:
            print_comparison(found)
