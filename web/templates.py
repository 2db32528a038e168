"""The templates of reports and pages, with the words that they use.

Everything is escaped; Markdown becomes HTML only through `web.markdown`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from langgraph_fusion.graph.reasons import reason_text
from langgraph_fusion.graph.wording import count, duration, listed, money, tokens
from langgraph_fusion.models.text import clean_text
from langgraph_fusion.web.markdown import render_markdown

_STAGES = {
    "panel": "first answers",
    "judge": "judge",
    "follow_up": "follow-ups",
    "synthesizer": "writer",
    "verify": "check of citations",
    "describe": "description of images",
}


def render(template: str, **values: Any) -> str:
    """Return a template of `web/pages` filled in.

    Raises:
        jinja2.UndefinedError: If it names a value that was not given.
    """
    return _environment().get_template(f"{template}.j2").render(values)


def environment(package: str, filters: Mapping[str, Callable[..., Any]]) -> Environment:
    """Return the templates in the folder `pages` of a package, which may use these filters."""
    made = Environment(
        loader=PackageLoader(package, "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    made.filters |= filters
    return made


@cache
def _environment() -> Environment:
    filters: dict[str, Callable[..., Any]] = {
        "count": count,
        "duration": duration,
        "listed": listed,
        "markdown": render_markdown,
        "money": money,
        "tokens": tokens,
        "reason": reason_text,
        "when": _when,
        "stage": lambda name: _STAGES.get(name, name),
        "cost_of": _cost,
    }
    return environment("langgraph_fusion.web", filters)


def _clean(value: Any) -> Any:
    """Text without controls and direction overrides; finished HTML as it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else clean_text(value)


def _when(seconds: float) -> str:
    """A moment of the epoch, to the minute, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _cost(totals: Any) -> str:
    """What a part of the bill cost; unknown is said."""
    if totals.cost_usd is not None:
        return money(totals.cost_usd)
    return f"{money(totals.known_cost_usd)} + unknown" if totals.known_cost_usd else "unknown"
