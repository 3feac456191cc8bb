"""The Pareto front: what no other point beats in one aim without losing in another."""

from __future__ import annotations

from collections.abc import Sequence

#: Accuracy (more is better), bytes of flash, bytes of RAM (less is better).
Point = tuple[float, int, int]


def dominates(one: Point, other: Point) -> bool:
    """Whether `one` is nowhere worse and somewhere better."""
    pairs = [(one[0], other[0]), (-one[1], -other[1]), (-one[2], -other[2])]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def front(points: Sequence[Point]) -> list[int]:
    """Indices of the points that none dominates, by flash, then RAM; of equal points the first.

    In order of accuracy from the best, then of size, a point can only be dominated by one before it.
    """
    order = sorted(range(len(points)), key=lambda i: (-points[i][0], points[i][1], points[i][2], i))
    kept: list[int] = []
    for i in order:
        if not any(points[k] == points[i] or dominates(points[k], points[i]) for k in kept):
            kept.append(i)
    return sorted(kept, key=lambda i: points[i][1:])
