"""`fusion keys`: the API keys of `fusion serve --keys PLACE`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langgraph_fusion.server.keys.key import Caps, Key, Spent
    from langgraph_fusion.server.keys.key_ring import KeyRing

command = typer.Typer(
    help="Make, list and remove the API keys of `fusion serve --keys PLACE`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=options.examples(
        "fusion keys add ada --keys keys.db --per-day 5",
        "fusion keys list --keys keys.db",
        "fusion keys list --keys postgresql://fusion@db.example/fusion",
    ),
)

_Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Whom the key is for; the log names it.")
]


@command.command(
    "add",
    short_help="Make a key and print it, once.",
    epilog=options.examples(
        "fusion keys add ada --keys keys.db",
        "fusion keys add ci --keys keys.db --per-day 5 --per-run 0.50 --per-minute 10",
        "fusion keys add prometheus --keys keys.db --metrics",
        "fusion keys add eve --keys postgresql://fusion@db.example/fusion --at-once 4",
    ),
)
def add_key(
    name: _Name,
    keys: options.Keys,
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
    at_once: Annotated[
        int | None,
        typer.Option("--at-once", metavar="N", min=1, help="Runs at the same time, everywhere."),
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(
            "--priority",
            metavar="N",
            min=0,
            max=9,
            help="Highest `priority` of its requests: those go before all others'.",
        ),
    ] = None,
    for_metrics: Annotated[
        bool, typer.Option("--metrics", help="For /metrics, and for nothing else.")
    ] = False,
) -> None:
    """Make a key and print it on standard output. It is stored as a hash: keep it now."""
    from langgraph_fusion.cli.errors import report_errors

    with report_errors():
        from langgraph_fusion.cli.output import say, write
        from langgraph_fusion.server.keys.key import Caps

        caps = Caps(per_day, total, per_run, per_minute, at_once, priority)
        write(asyncio.run(_add(keys, name, caps, for_metrics=for_metrics)))
        say(f"fusion: this is the only time the key of {name} is shown")


@command.command(
    "list",
    short_help="List the keys and what was charged to them.",
    epilog=options.examples(
        "fusion keys list --keys keys.db", "fusion keys list --keys keys.db --json"
    ),
)
def list_keys(keys: options.Keys, as_json: options.AsJson = False) -> None:
    """List the keys: their caps, and what was charged to them today (UTC) and in all."""
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json):
        from langgraph_fusion.cli.output import write_json

        found = asyncio.run(_list(keys))
        if as_json:
            write_json({"keys": [_row(key, spent) for key, spent in found]})
        else:
            _print_table(found)


@command.command(
    "remove",
    short_help="Remove a key; servers refuse it at once.",
    epilog=options.examples("fusion keys remove ada --keys keys.db"),
)
def remove_key(name: _Name, keys: options.Keys) -> None:
    """Remove a key. Running servers refuse it from the next request on."""
    from langgraph_fusion.cli.errors import report_errors

    with report_errors():
        asyncio.run(_remove(keys, name))


async def _add(place: str, name: str, caps: "Caps", *, for_metrics: bool) -> str:
    async with _opened(place, new=True) as ring:
        return await ring.add(name, caps, for_metrics=for_metrics)


async def _list(place: str) -> "list[tuple[Key, Spent]]":
    async with _opened(place) as ring:
        return await ring.all()


async def _remove(place: str, name: str) -> None:
    async with _opened(place) as ring:
        await ring.remove(name)


@asynccontextmanager
async def _opened(place: str, *, new: bool = False) -> "AsyncIterator[KeyRing]":
    """The keys at this place; `new` makes a file that is not there.

    Raises:
        ConfigError: If they cannot be used.
    """
    from langgraph_fusion.cli.visible_password import warn_of_password
    from langgraph_fusion.graph.errors import ConfigError
    from langgraph_fusion.server.keys.database import KeysUnavailable
    from langgraph_fusion.server.keys.key_ring import KeyRing

    warn_of_password(place, "--keys", "FUSION_KEYS")
    ring = KeyRing(place)
    try:
        async with (ring if new else ring.existing()).open():
            yield ring
    except KeysUnavailable as error:
        raise ConfigError(error.why, field="keys") from None


def _print_table(found: "list[tuple[Key, Spent]]") -> None:
    from rich.table import Table

    from langgraph_fusion.cli.output import terminal

    table = Table(box=None, pad_edge=False)
    for title in ("name", "key", "made", "runs", "today", "in all", "caps"):
        table.add_column(title, overflow="fold")
    for key, spent in found:
        made = f"{datetime.fromtimestamp(key.created, UTC):%Y-%m-%d}"
        money = (f"${spent.today_usd:.4f}", f"${spent.total_usd:.4f}")
        table.add_row(key.name, key.shown, made, str(spent.runs), *money, _caps(key))
    terminal().print(table)


def _row(key: "Key", spent: "Spent") -> dict[str, object]:
    made = datetime.fromtimestamp(key.created, UTC).isoformat(timespec="seconds")
    named = {"name": key.name, "key": key.shown, "created_at": made, "metrics": key.for_metrics}
    return named | vars(key.caps) | vars(spent)


def _caps(key: "Key") -> str:
    caps = key.caps
    if key.for_metrics:
        return "metrics only"
    said = [
        f"${caps.per_day_usd:g} a day" if caps.per_day_usd is not None else "",
        f"${caps.total_usd:g} in all" if caps.total_usd is not None else "",
        f"${caps.one_run_usd:g} a run" if caps.one_run_usd is not None else "",
        f"{caps.per_minute} runs a minute" if caps.per_minute is not None else "",
        f"{caps.at_once} at once" if caps.at_once is not None else "",
        f"priority up to {caps.priority}" if caps.priority else "",
    ]
    return ", ".join(filter(None, said)) or "none"
