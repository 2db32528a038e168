"""`fusion eval smoke`: six tasks, a few dollars."""

import typer

from langgraph_fusion.cli import options
from langgraph_fusion.cli.commands.eval.run import Data, Grader, Save, Yes

command = typer.Typer(rich_markup_mode=None)

TASKS = 6
BUDGET_USD = 10.0


@command.command(
    epilog=options.examples("fusion eval smoke", "fusion eval smoke -p fast --budget 5 --yes")
)
def smoke(
    preset: options.Preset = None,
    panel: options.Panel = None,
    judge: options.Judge = None,
    writer: options.Writer = None,
    data: Data = None,
    grader: Grader = None,
    budget: options.Budget = BUDGET_USD,
    out: Save = None,
    yes: Yes = False,
    as_json: options.FullJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Run a panel and its members on six tasks of DRACO, graded once with protocol `cheap`.

    It shows that keys, tools and grading work, and roughly what a whole run would cost. Six tasks
    tell no two arms apart.
    """
    from langgraph_fusion.cli.commands.eval.run import run

    run(
        set_name="draco",
        data=data,
        preset=preset,
        panel=panel,
        judge=judge,
        writer=writer,
        protocol="cheap",
        grader=grader,
        limit=TASKS,
        budget=budget,
        out=out,
        yes=yes,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
    )
