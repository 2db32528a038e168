"""What ends an evaluation before it starts; faults of models are in its result."""

from langgraph_fusion.graph.errors import ConfigError


class DataRefused(ConfigError):
    """A data set is not the one that was pinned, or its file cannot be read."""


class BudgetSpent(Exception):
    """The spend cap leaves nothing for the next call; what was paid is kept."""
