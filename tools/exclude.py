"""What the exclusion rules of a run have stopped."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from langgraph_fusion.sandbox.network.exclusion import Exclusion

__all__ = ["Dropped", "Exclusion"]


class Dropped(BaseModel):
    """A query, hit, fetch or redirect that a rule stopped, or a text that a content filter did."""

    model_config = ConfigDict(frozen=True)

    seat: str
    where: Literal["query", "hit", "fetch", "redirect", "content"]
    url: str
    """The address; for `query` the query, for what other tools return the tool's name."""
    rule: str
    count: int | None = None
    """For `content`: how many of the things the rule looks for were in the text."""
