"""What the exclusion rules of a run have stopped."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.sandbox.network.exclusion import Exclusion

__all__ = ["Dropped", "Exclusion"]


class Dropped(BaseModel):
    """A query, hit, fetch or redirect that an exclusion rule stopped."""

    model_config = ConfigDict(frozen=True)

    seat: str
    where: Literal["query", "hit", "fetch", "redirect"]
    url: str
    """The address; for `query` the query."""
    rule: str
