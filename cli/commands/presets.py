"""`fusion presets`: the seats of every preset, and whether it can run here."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from langgraph_fusion.cli import options

if TYPE_CHECKING:
    from langgraph_fusion.graph.settings import FusionSettings

command = typer.Typer(rich_markup_mode=None)

Preset = dict[str, Any]
_ANY_LOCAL = "local:auto"
"""Stands for whatever a local server serves."""


@command.command(
    epilog=options.examples("fusion presets", "fusion presets --json | jq -r .presets[].name")
)
def presets(as_json: options.AsJson = False, verbose: options.Verbose = False) -> None:
    """List the presets: panel, judge and writer, and which keys are missing.

    Your own presets are read from the file that FUSION_PRESETS names, else from
    ~/.config/langgraph-fusion/presets.toml.
    """
    from langgraph_fusion.cli.errors import report_errors

    with report_errors(as_json=as_json, verbose=verbose):
        from langgraph_fusion.cli.output import write_json

        described = asyncio.run(_all())
        if as_json:
            write_json({"presets": described})
        else:
            _print_table(described)


async def _all() -> list[Preset]:
    """Every preset, the user's own included, with what is missing to run it here."""
    from langgraph_fusion.graph.presets import preset_descriptions
    from langgraph_fusion.models.local import local_servers

    served = bool(await local_servers())
    return [_describe(name, text, served) for name, text in preset_descriptions().items()]


def _describe(name: str, description: str, served: bool) -> Preset:
    from langgraph_fusion.graph.settings import load_settings

    settings = load_settings({"preset": name})
    return {
        "name": name,
        "description": description,
        "panel": [seat.model for seat in settings.panel],
        "judge": settings.judge.model if settings.judge else "none",
        "synthesizer": settings.synthesizer.model,
        "missing": _missing(settings, served),
        "cost_usd": _cost(settings),
    }


def _cost(settings: "FusionSettings") -> dict[str, float] | None:
    """Low, likely and high in dollars for one run; None when a price is unknown."""
    from langgraph_fusion.graph.preflight.estimate import estimate

    cost = estimate(settings).total.cost_usd
    return cost.model_dump() if cost else None


def _missing(settings: "FusionSettings", served: bool) -> list[str]:
    """What is needed before every model of the preset, fallbacks included, can be called."""
    from langgraph_fusion.models.providers import missing_key

    models = [model for seat in settings.all_seats for model in seat.models]
    found = (
        missing_key(model) if str(model) != _ANY_LOCAL else None if served else "a local server"
        for model in models
    )
    return list(dict.fromkeys(name for name in found if name))


def _print_table(presets: list[Preset]) -> None:
    from rich.table import Table
    from rich.text import Text

    from langgraph_fusion.cli.display.estimate import cost_range
    from langgraph_fusion.cli.output import terminal
    from langgraph_fusion.models.text import one_line

    console = terminal()
    for preset in presets:
        missing = preset["missing"]
        console.print(
            Text(preset["name"], style="bold"),
            Text(f"needs {', '.join(missing)}" if missing else "ready", _style(missing)),
        )
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row("", "", Text(one_line(preset["description"]), style="italic"))
        grid.add_row("", "panel", Text(_panel(preset["panel"])))
        grid.add_row("", "judge", Text(preset["judge"]))
        grid.add_row("", "writer", Text(preset["synthesizer"]))
        grid.add_row("", "a run", Text(cost_range(preset["cost_usd"])))
        console.print(grid)
        console.print()


def _style(missing: list[str]) -> str:
    return "yellow" if missing else "green"


def _panel(models: list[str]) -> str:
    seats = Counter(models)
    return ", ".join(f"{model}*{times}" if times > 1 else model for model, times in seats.items())
