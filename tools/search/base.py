"""The protocol of a search backend, and what its implementations share."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol

from langgraph_fusion.tools.errors import Reason, ToolFailure

Recency = Literal["day", "week", "month", "year"]
DAYS: dict[Recency, int] = {"day": 1, "week": 7, "month": 31, "year": 365}


@dataclass(frozen=True)
class SearchQuery:
    """What is searched for."""

    text: str
    max_results: int = 10
    recency: Recency | None = None
    """Only pages of the last day, week, month or year."""
    site: str | None = None
    """Only pages of this domain and those below it."""
    language: str | None = None
    """ISO 639-1, perhaps with a country: `de`, `pt-BR`."""


@dataclass(frozen=True)
class Hit:
    """One search result, as the engine gave it."""

    url: str
    title: str
    snippet: str
    published: str | None = None
    """The day it was published or last changed, ISO 8601, where the engine says."""


@dataclass(frozen=True)
class Found:
    """What an engine found."""

    hits: tuple[Hit, ...]
    """Best first; none if there are none."""
    engine: str = ""
    not_applied: tuple[str, ...] = ()
    """Fields of the query that this engine has nothing for: `recency`, `language`."""
    cost_usd: float | None = 0.0
    """What the engine charges for it, as it says itself or at its list price."""


class SearchFailure(ToolFailure):
    """A search engine gave no results because something is wrong.

    The message is for models and readers: it holds nothing that the engine sent.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        status: int | None = None,
        wait_s: float | None = None,
        of_query: bool = False,
        unsent: bool = False,
    ) -> None:
        """`wait_s` is what the engine asked to wait; `of_query`: another query may be answered;
        `unsent`: no connection was made.
        """
        super().__init__(reason, message)
        self.status, self.wait_s, self.of_query, self.unsent = status, wait_s, of_query, unsent

    @property
    def cost_usd(self) -> float | None:
        """Nothing where it is certain that the engine turned it away; else unknown."""
        turned_away = self.status is not None and self.status < 500
        return 0.0 if turned_away or self.unsent else None


class SearchBackend(Protocol):
    """A search service."""

    async def search(self, query: SearchQuery) -> Found:
        """Return what was found.

        Raises:
            SearchFailure: If the service fails, limits or refuses.
        """
        ...


@dataclass
class Charge:
    """What one request to an engine costs: unknown until it is answered."""

    cost_usd: float | None = None
    error: str | None = None
    """Reason of the failure, if it failed."""


Purse = Callable[[str, float], AbstractContextManager[Charge]]
"""Pays one request: name of the engine and its list price in US dollars -> around the request.

Entering raises ToolFailure `budget` where there is no money for it.
"""


def free_purse(engine: str, usd: float) -> AbstractContextManager[Charge]:
    """Pay without counting."""
    return nullcontext(Charge())


def with_sites(text: str, site: str | None, excluded: Sequence[str] = ()) -> str:
    """Add `site:`, and `-site:` for every excluded domain, which most engines understand."""
    wanted = [f"site:{site}"] if site else []
    return " ".join([text, *wanted, *(f"-site:{domain}" for domain in excluded)])


def primary_language(language: str | None) -> str | None:
    """`pt` of `pt-BR`."""
    return language.partition("-")[0].lower() if language else None
