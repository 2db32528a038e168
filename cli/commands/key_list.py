"""The keys of a server, as a table or as JSON."""

from datetime import UTC, datetime

from langgraph_fusion.cli.output import terminal, write_json
from langgraph_fusion.server.api_keys import Key, Spent


def print_keys(found: list[tuple[Key, Spent]], *, as_json: bool) -> None:
    if as_json:
        write_json({"keys": [_row(key, spent) for key, spent in found]})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("name", "key", "made", "runs", "today", "in all", "caps"):
        table.add_column(title, overflow="fold")
    for key, spent in found:
        made = f"{datetime.fromtimestamp(key.created, UTC):%Y-%m-%d}"
        money = (f"${spent.today_usd:.4f}", f"${spent.total_usd:.4f}")
        table.add_row(key.name, key.shown, made, str(spent.runs), *money, _caps(key))
    terminal().print(table)


def _row(key: Key, spent: Spent) -> dict[str, object]:
    made = datetime.fromtimestamp(key.created, UTC).isoformat(timespec="seconds")
    return {"name": key.name, "key": key.shown, "created_at": made} | vars(key.caps) | vars(spent)


def _caps(key: Key) -> str:
    caps = key.caps
    said = [
        f"${caps.per_day_usd:g} a day" if caps.per_day_usd is not None else "",
        f"${caps.total_usd:g} in all" if caps.total_usd is not None else "",
        f"${caps.one_run_usd:g} a run" if caps.one_run_usd is not None else "",
        f"{caps.per_minute} runs a minute" if caps.per_minute is not None else "",
    ]
    return ", ".join(filter(None, said)) or "none"
