"""Options of the commands, each defined once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Preset = Annotated[
    str | None,
    typer.Option("--preset", "-p", metavar="NAME", help="Panel, judge and writer by name."),
]
Panel = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODELS", help="1 to 8 models, repeated or with commas; `model*3` seats three."
    ),
]
Judge = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="Model that compares the answers; none: nobody does."),
]
Writer = Annotated[
    str | None, typer.Option(metavar="MODEL", help="Model that writes the final answer.")
]
Mode = Annotated[
    Literal["synthesize", "select", "analysis", "direct"] | None,
    typer.Option(help="Write an answer, correct the best one, only compare, or ask no panel."),
]
Brief = Annotated[bool, typer.Option("--brief", help="Only what it takes to decide.")]
Full = Annotated[bool, typer.Option("--full", help="Everything that was found, worked out.")]
Revise = Annotated[
    bool, typer.Option("--revise", help="One more call when the draft lost what was found.")
]
Verify = Annotated[
    str | None,
    typer.Option(metavar="HOW", help="Do sources say it? lexical, judge, a model; or off."),
]
Rounds = Annotated[int | None, typer.Option(metavar="N", help="Follow-up rounds at most, 0 to 3.")]
Tools = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LIST", help="Comma list: web_search, web_fetch, docs, bash, mcp:SERVER; or none."
    ),
]
Docs = Annotated[str | None, typer.Option(metavar="DIR", help="Folder of your documents.")]
Search = Annotated[
    str | None,
    typer.Option(
        metavar="LIST", help="Where web_search asks: brave, exa, ddgs ...; the next if one fails."
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="SITE", help="Domain or URL prefix never to be used; repeatable."),
]
Budget = Annotated[
    float | None, typer.Option(metavar="USD", help="Spend at most this; no call may pass it.")
]
Deadline = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Answer by then with what is there.")
]
ToolCalls = Annotated[
    int | None,
    typer.Option("--max-tool-calls", metavar="N", help="Tool calls of a member in one round."),
]
MinAnswers = Annotated[
    int | None,
    typer.Option("--min-answers", metavar="N", help="Stop with an error below this many answers."),
]
RequireSandbox = Annotated[
    bool, typer.Option("--require-sandbox", help="Stop at once if bash cannot be had.")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other setting, the value as JSON."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Every call on stderr; tracebacks of surprises.")
]

Question = Annotated[
    str | None, typer.Argument(metavar="QUESTION", help="The question; - reads standard input.")
]
QuestionFile = Annotated[
    Path | None,
    typer.Option("-f", "--question-file", metavar="FILE", help="Read the question from a file."),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Read, searched and cited; in sandboxes too; repeatable.",
    ),
]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image", metavar="FILE|URL", help="png, jpeg, gif or webp; - reads it; repeatable."
    ),
]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Keep what members leave in /work/out.")
]
RunId = Annotated[
    str | None, typer.Argument(metavar="ID", help="The run, or how its id begins; else the last.")
]
FullJson = Annotated[bool, typer.Option("--json", help="Print the full result as JSON.")]
Save = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also write the answer (.md) or the full result (.json)."),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Also write the report (.html or .md): one file to read and send."
    ),
]
Keys = Annotated[
    str,
    typer.Option(
        "--keys", metavar="PLACE", envvar="FUSION_KEYS", help="A file, or a postgresql:// URL."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="The answer and nothing else.")]


def examples(*lines: str) -> str:
    """Commands for the end of a command's help, each on its own line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
