"""A group of commands of which each is imported only when it is run or asked for its help."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup


def lazy_group(package: str, short_helps: Mapping[str, str]) -> type[TyperGroup]:
    """Return a group with a command for every key of `short_helps`, in that order.

    The command `x` is the `typer.Typer` called `command` in the module `x` of the package. The
    values are what the group's own help says of each, so that it imports none of them.
    """

    class LazyGroup(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.commands = cast("Any", dict.fromkeys(short_helps))  # suggested for a misspelt one

        def list_commands(self, ctx: Any) -> list[str]:
            return list(short_helps)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name not in short_helps:
                return None
            module = import_module(f"{package}.{cmd_name}")
            command = typer.main.get_command(module.command)
            command.name = cmd_name
            return command

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl(list(short_helps.items()))

    return LazyGroup
