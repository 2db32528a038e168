"""`fusion ask`: one question, one deliberation, one answer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langchain_core.messages import HumanMessage

    from langgraph_fusion.cli.input import Given
    from langgraph_fusion.cli.output import OutputOptions

command = typer.Typer(rich_markup_mode=None)

_Estimate = Annotated[
    bool, typer.Option("--estimate", help="Say what the run would cost, and start nothing.")
]
_Keep = Annotated[
    bool, typer.Option("--keep", help="Keep question and result: `fusion runs show` prints them.")
]


@command.command(
    context_settings={"allow_extra_args": True},  # words of a question without quotes
    epilog=options.examples(
        'fusion ask "Is the 2024 estimate still right?"',
        'fusion ask --docs notes/ "What did we decide about backups?"',
        'fusion ask --image chart.png "In which year was the peak?"',
        "fusion ask -p frontier --budget 2 --save answer.md -f question.txt",
        'fusion ask --panel a/one,b/two --judge c/three --writer d/four "…"',
        'fusion ask --report run.html "What changed in HTTP/3?"',
        'fusion ask --json "…" | jq .analysis.contradictions',
    ),
)
def ask(
    context: typer.Context,
    question: options.Question = None,
    question_file: options.QuestionFile = None,
    file: options.Files = None,
    image: options.Images = None,
    out: options.Out = None,
    preset: options.Preset = None,
    panel: options.Panel = None,
    judge: options.Judge = None,
    writer: options.Writer = None,
    mode: options.Mode = None,
    brief: options.Brief = False,
    full: options.Full = False,
    revise: options.Revise = False,
    verify: options.Verify = None,
    rounds: options.Rounds = None,
    tools: options.Tools = None,
    docs: options.Docs = None,
    search: options.Search = None,
    exclude: options.Exclude = None,
    budget: options.Budget = None,
    deadline: options.Deadline = None,
    max_tool_calls: options.ToolCalls = None,
    min_answers: options.MinAnswers = None,
    require_sandbox: options.RequireSandbox = False,
    set_: options.Assignments = None,
    estimate: _Estimate = False,
    keep: _Keep = False,
    as_json: options.FullJson = False,
    save: options.Save = None,
    report: options.Report = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Ask a panel of models, let a judge compare them, and read one cited answer.

    On a terminal the deliberation is shown while it runs. In a pipe standard output gets the answer
    alone and standard error the progress. Exit codes: 0 an answer, 1 the run failed, 2 bad input or
    settings (nothing was started), 130 Ctrl-C (what was learned so far is printed).

    Whatever ends it, nothing paid is lost: `fusion resume` goes on where it was.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, quiet=quiet, verbose=verbose):
        from langgraph_fusion.cli.input import (
            check_quotes,
            check_stdin,
            given_settings,
            read_images,
            read_question,
            split_list,
        )
        from langgraph_fusion.cli.output import (
            OutputOptions,
            check_out,
            check_save,
            check_stdout,
            silence_libraries,
        )
        from langgraph_fusion.cli.report_file import check_report
        from langgraph_fusion.graph.errors import ConfigError
        from langgraph_fusion.graph.request.asked_images import question_with_images

        check_quotes("ask", question, context.args)
        if brief and full:
            raise ConfigError("--brief and --full: choose one of them", field="length")
        chosen = {
            "preset": preset,
            "judge": judge,
            "synthesizer": writer,
            "mode": mode,
            "length": "brief" if brief else "full" if full else None,
            "revision": revise or None,
            "verify": verify,
            "max_rounds": rounds,
            "docs": docs,
            "search": split_list([search]) if search else None,
            "budget_usd": budget,
            "deadline_s": deadline,
            "max_tool_calls": max_tool_calls,
            "min_answers": min_answers,
            "require_sandbox": require_sandbox or None,
        }
        lists = {"panel": panel, "tools": tools, "exclude": exclude, "assignments": set_}
        given = given_settings(chosen, **lists)
        check_save(save)
        check_report(report, save)
        check_stdout(save)
        check_out(out)
        check_stdin(question, question_file, image or ())
        text = read_question(question, question_file)
        asked = question_with_images(text, read_images(image or ()))
        silence_libraries(verbose=verbose)
        output = OutputOptions(as_json, save, quiet, verbose, out, report=report)
        if estimate:
            code = asyncio.run(_estimate(asked, given, output, file or ()))
        else:
            code = asyncio.run(_ask(asked, given, output, files=file or (), keep=keep))
    raise typer.Exit(code)


async def _ask(
    asked: "HumanMessage",
    given: "Given",
    output: "OutputOptions",
    *,
    files: Sequence[Path],
    keep: bool,
) -> int:
    from langgraph_fusion.cli.choose_settings import choose_settings, notices_on
    from langgraph_fusion.cli.display.show_run import show_run
    from langgraph_fusion.cli.run_store import open_own_runs
    from langgraph_fusion.graph.api import deliberate
    from langgraph_fusion.graph.calls.steering import Steering
    from langgraph_fusion.graph.errors import ConfigError

    settings, why = await choose_settings(given)
    notices = tuple(notices_on(settings, why))
    bash = any("bash" in settings.tools_of(seat) for seat in settings.members)
    if why and not bash and output.out:
        raise ConfigError(f"no member has bash, which it is for. {notices[0]}", field="out")
    async with open_own_runs(keep=keep, quiet=output.quiet) as runs:
        steering = Steering()
        events = deliberate(
            [asked], settings, files=files, out=output.out, runs=runs, steering=steering
        )
        return await show_run(
            str(asked.text), events, output, docs=settings.docs, notices=notices, steering=steering
        )


async def _estimate(
    asked: "HumanMessage", given: "Given", output: "OutputOptions", files: Sequence[Path]
) -> int:
    from langgraph_fusion.cli.choose_settings import choose_settings, notices_on
    from langgraph_fusion.cli.display.estimate import print_estimate
    from langgraph_fusion.cli.output import say
    from langgraph_fusion.graph.preflight.estimate import estimate
    from langgraph_fusion.graph.preflight.read_files import inlined_chars
    from langgraph_fusion.graph.request.images import image_blocks

    settings, why = await choose_settings(given)
    chars = await asyncio.to_thread(inlined_chars, files)
    likely = estimate(settings, str(asked.text), [*image_blocks([asked])], chars)
    if not output.quiet:
        for line in notices_on(settings, why):
            say(line)
    print_estimate(likely, as_json=output.as_json, quiet=output.quiet)
    return 0
