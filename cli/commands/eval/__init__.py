"""`fusion eval`: whether the panel beats its best member, and what it costs."""

import typer

from langgraph_fusion.cli import options
from langgraph_fusion.cli.lazy_group import lazy_group

_COMMANDS = {
    "run": "Run arms over a data set, grade them, store the result.",
    "smoke": "Six tasks for a few dollars: the first thing to run with a key.",
    "grade": "Grade the stored answers of a result with another judge.",
    "report": "Turn a result into tables, JSON or one HTML page.",
    "compare": "Compare two results, arm by arm and task by task.",
    "audit": "Look through a finished run for signs of its rubrics.",
}

command = typer.Typer(
    help="Does the panel beat its best member, and what does it cost? See docs/evaluation.md.",
    cls=lazy_group(__name__, _COMMANDS),
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=options.examples(
        "fusion eval smoke",
        "fusion eval run draco -p budget --ablate all --budget 200",
        "fusion eval run draco --arms openrouter",
    ),
)


@command.callback()
def _group() -> None:
    """Make this a group, whatever number of commands it has."""


def check_extra() -> None:
    """Raise ConfigError, with the way out, when the packages of the extra are missing."""
    from importlib.util import find_spec

    from langgraph_fusion.cli.errors import missing_extra

    if any(find_spec(name) is None for name in ("scipy", "statsmodels", "rubric", "matplotlib")):
        raise missing_extra("eval")
