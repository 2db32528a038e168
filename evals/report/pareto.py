"""Which arms nothing cheaper, or equally cheap, beats."""

from collections.abc import Sequence

Point = tuple[float, float]
"""Cost and score."""


def on_front(points: Sequence[Point]) -> list[bool]:
    """For each point whether no other is at least as good and as cheap, and better in one."""
    return [not any(_beats(other, point) for other in points) for point in points]


def _beats(other: Point, point: Point) -> bool:
    return other[0] <= point[0] and other[1] >= point[1] and other != point
