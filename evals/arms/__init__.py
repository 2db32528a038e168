"""Arms: which variants of a panel are compared, and how each answers a task."""
