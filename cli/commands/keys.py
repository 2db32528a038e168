"""`fusion keys`: the API keys of `fusion serve --keys FILE`."""

from pathlib import Path
from typing import Annotated

import typer

from langgraph_fusion.cli import options

_File = Annotated[Path, typer.Option("--keys", metavar="FILE", help="The server's file of keys.")]
_Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Whom the key is for; the log names it.")
]


def add_key(
    name: _Name,
    keys: _File,
    per_day: Annotated[
        float | None,
        typer.Option("--per-day", metavar="USD", min=0, help="Spend cap of a day (UTC)."),
    ] = None,
    total: Annotated[
        float | None, typer.Option("--total", metavar="USD", min=0, help="Spend cap for good.")
    ] = None,
    per_run: Annotated[
        float | None,
        typer.Option(
            "--per-run", metavar="USD", min=0, help="Of one run; else a tenth of the caps."
        ),
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option("--per-minute", metavar="N", min=1, help="Runs a minute.")
    ] = None,
) -> None:
    """Make a key and print it on standard output. It is stored as a hash: keep it now."""
    from langgraph_fusion.cli.errors import reported

    with reported():
        from langgraph_fusion.cli.output import say, write
        from langgraph_fusion.server.api_keys import Caps, KeyRing

        ring = KeyRing(keys)
        ring.create()
        write(ring.add(name, Caps(per_day, total, per_run, per_minute)))
        say(f"fusion: this is the only time the key of {name} is shown")


def list_keys(keys: _File, as_json: options.AsJson = False) -> None:
    """List the keys: their caps, and what was charged to them today (UTC) and in all."""
    from langgraph_fusion.cli.errors import reported

    with reported(as_json=as_json):
        from langgraph_fusion.cli.commands.key_list import print_keys
        from langgraph_fusion.server.api_keys import KeyRing

        print_keys(KeyRing(keys).existing().all(), as_json=as_json)


def remove_key(name: _Name, keys: _File) -> None:
    """Remove a key. Running servers refuse it from the next request on."""
    from langgraph_fusion.cli.errors import reported

    with reported():
        from langgraph_fusion.server.api_keys import KeyRing

        KeyRing(keys).existing().remove(name)
