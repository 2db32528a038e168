"""`fusion eval grade`: the stored answers of a result, graded by another judge."""

from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli import options
from langgraph_fusion.cli.commands.eval import check_extra
from langgraph_fusion.cli.commands.eval.run import (
    AtOnce,
    ByHand,
    Data,
    Grader,
    Passes,
    Protocol,
    Save,
    UnknownCost,
    Yes,
)

command = typer.Typer(rich_markup_mode=None)


@command.command(
    epilog=options.examples(
        "fusion eval grade result.json --grader anthropic/claude-sonnet-4.6",
        "fusion eval grade result.json --protocol openrouter --budget 60 -o other.json",
    )
)
def grade(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT", help="A file that `fusion eval run` wrote.")
    ],
    data: Data = None,
    protocol: Protocol = None,
    grader: Grader = None,
    passes: Passes = None,
    budget: options.Budget = None,
    unknown_cost: UnknownCost = "refuse",
    at_once: AtOnce = 4,
    by_hand: ByHand = False,
    out: Save = None,
    yes: Yes = False,
    as_json: options.FullJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Grade the answers of a result again: no member, no panel and no writer is called.

    The two judges are compared (agreement, Cohen's kappa, bias), and the comparison is stored with
    the new result. Without --protocol it is the result's own.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, quiet=quiet, verbose=verbose):
        check_extra()
        from langgraph_fusion.cli.commands.eval.work import Output, grade_again, read_result
        from langgraph_fusion.evals.limits import Limits

        stored = read_result(result)
        output = Output(out, as_json, quiet, verbose, yes)
        limits = Limits(budget, unknown_cost, tasks=at_once, by_hand=by_hand)
        code = grade_again(stored, data, (protocol, grader, passes), limits, output)
    raise typer.Exit(code)
