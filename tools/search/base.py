"""The protocol of a search backend, and what its implementations share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Recency = Literal["day", "week", "month", "year"]


@dataclass(frozen=True)
class Hit:
    """One search result, as the backend gave it."""

    url: str
    title: str
    snippet: str


class SearchBackend(Protocol):
    """A search service."""

    async def search(self, query: str, max_results: int, recency: Recency | None) -> list[Hit]:
        """Return up to `max_results` hits, best first; an empty list if there are none.

        Raises:
            ToolFailure: `rate_limited`, `timeout` or `unavailable`.
        """
        ...


def without_sites(query: str, excluded: Sequence[str]) -> str:
    """Add `-site:` for every excluded domain, which most engines understand."""
    return " ".join([query, *(f"-site:{domain}" for domain in excluded)])
