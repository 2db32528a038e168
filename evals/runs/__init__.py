"""Runs of an evaluation: members once a task, then everything that is made of their work."""
