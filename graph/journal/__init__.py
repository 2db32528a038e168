"""The record of a run: what was paid for is written down, so that a run can be resumed."""
