"""`fusion presets`: who sits where in every preset, and whether it can run here."""

from collections import Counter
from typing import Any

from langgraph_fusion.cli.commands.estimate import cost_range
from langgraph_fusion.cli.output import terminal, write_json
from langgraph_fusion.graph.presets import preset_descriptions
from langgraph_fusion.graph.settings import FusionSettings, load_settings
from langgraph_fusion.models.providers import missing_key
from langgraph_fusion.models.text import one_line

Preset = dict[str, Any]
_ANY_LOCAL = "local:auto"
"""Stands for whatever a local server serves."""


async def presets() -> list[Preset]:
    """Every preset, the user's own included, with what it still needs to run here.

    Raises:
        ConfigError: If the user's presets cannot be read.
    """
    from langgraph_fusion.models.local import local_servers

    served = bool(await local_servers())
    return [_described(name, text, served) for name, text in preset_descriptions().items()]


def print_presets(presets: list[Preset], *, as_json: bool) -> None:
    if as_json:
        write_json({"presets": presets})
    else:
        _print_table(presets)


def _described(name: str, description: str, served: bool) -> Preset:
    settings = load_settings({"preset": name})
    return {
        "name": name,
        "description": description,
        "panel": [seat.model for seat in settings.panel],
        "judge": settings.judge.model,
        "synthesizer": settings.synthesizer.model,
        "missing": _missing(settings, served),
        "cost_usd": _cost(settings),
    }


def _cost(settings: FusionSettings) -> dict[str, float] | None:
    """Low, likely and high in dollars for one run; None when a price is unknown."""
    from langgraph_fusion.graph.preflight.estimate import estimate

    cost = estimate(settings).total.cost_usd
    return cost.model_dump() if cost else None


def _missing(settings: FusionSettings, served: bool) -> list[str]:
    """What is needed before every model of the preset, fallbacks included, can be called."""
    models = [model for seat in settings.all_seats for model in seat.models]
    found = (
        missing_key(model) if str(model) != _ANY_LOCAL else None if served else "a local server"
        for model in models
    )
    return list(dict.fromkeys(name for name in found if name))


def _print_table(presets: list[Preset]) -> None:
    from rich.table import Table
    from rich.text import Text

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
