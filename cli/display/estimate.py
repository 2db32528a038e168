"""`fusion ask --estimate`: what a run would cost, before it starts."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from langgraph_fusion.cli.output import say, terminal, write_json
from langgraph_fusion.graph.preflight.usage_profile import TIERS
from langgraph_fusion.graph.wording import money, tokens

if TYPE_CHECKING:
    from langgraph_fusion.graph.preflight.estimate import Estimate, StageEstimate

_STAGES = {"follow_up": "follow-ups", "synthesizer": "writer", "verify": "citations"}


def print_estimate(estimate: "Estimate", *, as_json: bool, quiet: bool) -> None:
    """A table on standard output, what it leaves out on standard error; or everything as JSON."""
    if as_json:
        write_json(estimate.model_dump(mode="json"))
        return
    _print_table(estimate)
    if not quiet:
        say(f"from {estimate.source}; low, likely and high")
        for note in estimate.notes:
            say(f"note: {note}")


def cost_range(cost: Mapping[str, float] | None) -> str:
    """`likely $1.17 ($0.27 to $4.03)`; unknown stays unknown."""
    if cost is None:
        return "cost unknown: no price is listed for one of its models"
    low, likely, high = (_money(cost[tier]) for tier in ("low", "likely", "high"))
    return f"likely {likely} ({low} to {high})" if cost["high"] else "$0"


def _print_table(estimate: "Estimate") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(estimate.preset, no_wrap=True)
    for tier in TIERS:
        table.add_column(f"{tier} (tokens)", justify="right", no_wrap=True)
    for stage, part in estimate.stages.items():
        table.add_row(_STAGES.get(stage, stage), *_cells(part))
    table.add_row("in all", *_cells(estimate.total), style="bold")
    terminal().print(table)


def _cells(part: "StageEstimate") -> Iterator[str]:
    for tier in TIERS:
        cost = "?" if part.cost_usd is None else _money(getattr(part.cost_usd, tier))
        used = getattr(part.input_tokens, tier) + getattr(part.output_tokens, tier)
        yield f"{cost} ({tokens(used)})"


def _money(dollars: float) -> str:
    """To the cent where cents matter: more digits would promise too much."""
    return f"${dollars:.2f}" if dollars >= 0.01 or not dollars else money(dollars)
