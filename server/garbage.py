"""Python's collector of cycles, set for a process that serves."""

import gc

_OBJECTS = 50_000
"""New objects between two collections; Python's own 700 fit a script."""


def collect_seldom() -> None:
    """Leave what is loaded for good alone, and look for cycles less often.

    A waiting deliberation holds thousands of objects and next to no cycles. With Python's defaults
    200 of them spend a third of their CPU on collections, of which the longest stop everything for
    hundreds of milliseconds; memory is the same (measured with `bench/graph`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, 10, 10)
