"""`fusion eval audit`: signs in a finished run that a rubric was met."""

from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli import options
from langgraph_fusion.cli.commands.eval import check_extra
from langgraph_fusion.cli.commands.eval.run import Data

command = typer.Typer(rich_markup_mode=None)


@command.command(
    epilog=options.examples(
        "fusion eval audit result.json",
        "fusion eval audit result.json --data test.jsonl --loose --json",
    )
)
def audit(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT", help="A file that `fusion eval run` wrote.")
    ],
    data: Data = None,
    loose: Annotated[
        bool,
        typer.Option("--loose", help="Flag runs of 10 words, not 12: more is found, more wrongly."),
    ] = False,
    as_json: options.AsJson = False,
    verbose: options.Verbose = False,
) -> None:
    """Look through everything a finished run left for its rubrics, and for talk of being tested.

    Looked at are answers, members' answers, analyses and the texts of sources. What tools kept from
    the members was recorded when it happened. Each arm is scored with and without what is marked.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, verbose=verbose):
        check_extra()
        from langgraph_fusion.cli.commands.eval.work import read_result
        from langgraph_fusion.cli.display.eval_findings import print_audit
        from langgraph_fusion.cli.output import write_json
        from langgraph_fusion.evals.contamination.audit import audit_arm, audit_result
        from langgraph_fusion.evals.contamination.content_guard import DEFAULT, STRICT
        from langgraph_fusion.evals.errors import DataRefused
        from langgraph_fusion.evals.report.stored import stored_traces, tasks_of

        stored = read_result(result)
        tasks = tasks_of(stored, data)
        if not tasks:
            raise DataRefused(
                f"an audit needs the rubrics of {stored.dataset.name}: give its file with --data"
            )
        with stored_traces() as trace_of:
            marked = audit_result(stored, tasks, trace_of, DEFAULT if loose else STRICT)
        audits = [audit_arm(arm) for arm in marked.arms]
        if as_json:
            marks = {
                arm.name: {
                    one.task: [mark.model_dump(mode="json") for mark in one.marks]
                    for one in arm.outcomes
                    if one.marks
                }
                for arm in marked.arms
            }
            arms = [one.model_dump(mode="json") for one in audits]
            write_json({"arms": arms, "marks": marks})
        else:
            print_audit(audits)
