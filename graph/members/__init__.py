"""A member at work: its agent, its turns, its time, and its answer."""
