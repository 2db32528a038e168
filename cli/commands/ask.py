"""`fusion ask`: its options. The work is in `asking.py`, which is imported when it runs."""

from langgraph_fusion.cli import options


def ask(
    question: options.Question = None,
    question_file: options.QuestionFile = None,
    file: options.Files = None,
    out: options.Out = None,
    preset: options.Preset = None,
    panel: options.Panel = None,
    judge: options.Judge = None,
    writer: options.Writer = None,
    mode: options.Mode = None,
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
    estimate: options.Estimate = False,
    keep: options.Keep = False,
    as_json: options.FullJson = False,
    save: options.Save = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Ask a panel of models, let a judge compare them, and read one cited answer.

    On a terminal the deliberation is shown while it runs. In a pipe standard output gets the answer
    alone and standard error the progress. Exit codes: 0 an answer, 1 the run failed, 2 bad input or
    settings (nothing was started), 130 Ctrl-C (what was learned so far is printed).

    Whatever ends it, nothing paid is lost: `fusion resume` goes on where it was.
    """
    from langgraph_fusion.cli.commands.asking import OutputOptions, answered

    chosen = {
        "preset": preset,
        "judge": judge,
        "synthesizer": writer,
        "mode": mode,
        "max_rounds": rounds,
        "docs": docs,
        "search": search,
        "budget_usd": budget,
        "deadline_s": deadline,
        "max_tool_calls": max_tool_calls,
        "min_answers": min_answers,
        "require_sandbox": require_sandbox or None,
    }
    answered(
        question,
        question_file,
        OutputOptions(as_json, save, quiet, verbose, tuple(file or ()), out, estimate, keep),
        chosen,
        panel=panel,
        tools=tools,
        exclude=exclude,
        assignments=set_,
    )
